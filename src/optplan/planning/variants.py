"""Paths beside the planned one: with a state more, or with a state less (Sec. 5.4)."""

from collections.abc import Sequence

from optplan.planning.states import State, TransitionGraph


def variants(graph: TransitionGraph, path: Sequence[State]) -> dict[str, tuple[State, ...]]:
    """Every variant of `path` by its name, such as with-cs-l1-r2 or without-cs-l2-r1.

    A state is inserted where transitions lead to it and on from it. Every state but the last may be
    left out, also where no transition leads over the gap.
    """
    found: dict[str, tuple[State, ...]] = {}
    for place, (before, after) in enumerate(zip([None, *path], path, strict=False)):
        onward = {transition.source for transition in graph.incoming(after)}
        for transition in graph.outgoing(before):
            between = transition.target
            if between in onward and between not in path:
                inserted = (*path[:place], between, *path[place:])
                found.setdefault(f"with-{between.name}", inserted)
    for place, state in enumerate(path[:-1]):
        found[f"without-{state.name}"] = (*path[:place], *path[place + 1 :])
    return found

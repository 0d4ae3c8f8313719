"""Planning in one process, for any model that is trained in stages (Sec. 3).

    def train(model, state):
        optimiser = ...                     # with the hyper-parameters of state.length, state.rate
        while True:
            yield accuracy(model), model    # epoch 0 first: the model as it comes
            ...                             # one epoch

    found = plan(TransitionGraph(samplings=("cs",)), model, train)

The generator neither counts epochs nor stops nor copies: the planner draws epochs until it sees the
knee, and keeps a copy of every model it is shown until then. The choices and the records are those
of the workflow. `docs/any-network.md` has a complete example.
"""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, SupportsFloat

from optplan.planning import selection
from optplan.planning.knee import Decision, KneeStopper
from optplan.planning.states import START, State, Transition, TransitionGraph

Train = Callable[[Any, State], Iterator[tuple[SupportsFloat, Any]]]


@dataclass(frozen=True, slots=True)
class Trained:
    """A transition that was trained to its knee: `model` is that of epoch t*, decision.best_epoch.

    `scores` are y_0, y_1, ... of all epochs that were trained to see the knee.
    """

    model: Any
    decision: Decision
    scores: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """What planning has found.

    plan     the path with its epochs, as `selection.plan` gives it, and its sampling
    model    the trained model at the end of the path
    records  of every state by name: the choice of its parent and all candidates, ready for JSON
    curves   the scores of every trained transition by name, from epoch 0
    """

    plan: dict
    model: Any
    records: dict[str, dict]
    curves: dict[str, tuple[float, ...]]


def plan(
    graph: TransitionGraph,
    model,
    train: Train,
    *,
    delay: int = 10,
    min_epochs: int = 10,
    min_epochs_start: int = 20,
    max_epochs: int = 200,
    family: str = "exponential",
    score: str = "fitted",
    bound: float | None = None,
    race: float | None = None,
    report: Callable[[Transition, Decision], None] = lambda transition, decision: None,
) -> Found:
    """Find the path through the graph that ends in the best model (Sec. 3.2, Eq. 2).

    Args:
        model: the initial model; any object that `copy.deepcopy` copies. It is not changed. Where
            copies are too large, let it be the name of a file that holds the model: then every
            epoch needs a file of its own.
        train: `train(model, state)` fine-tunes the model that it is given, which it may change, and
            yields (score, model) before the first epoch and after every epoch, without an end. A
            higher score is better; its unit does not matter.
        delay, min_epochs, max_epochs, family: of the `KneeStopper`; min_epochs_start is for the
            transitions from the start. The paper counts epoch 0 of those as 0; here it counts as
            it is scored.
        score: what ranks the parents of a state, "fitted" or "observed".
        bound: stop a transition whose curve, plus so many residual standard deviations, cannot
            reach the best one into the same state so far; None never does.
        race: give up a sampling that trails by more than this at its first state with the longest
            clips; None never does.
        report: called with the transition and the stopper's decision after every epoch.

    Raises:
        ValueError: if `train` ends or yields anything else, or for a score that is not finite.
    """

    models, records = {START: model}, {START: selection.ROOT}
    curves: dict[str, tuple[float, ...]] = {}
    # The race is decided by states at the first rate.
    for state in sorted(graph.states, key=lambda state: race is not None and state.rate > 1):
        incoming = graph.incoming(state)
        lost = {} if race is None or state.rate == 1 else _race(graph, records, race)
        if state.sampling in lost:
            skipped = [{"transition": t.name, "why": lost[state.sampling]} for t in incoming]
            records[state.name] = selection.unexplored_record(state, skipped)
            continue
        parents = {t.source_name: records[t.source_name] for t in incoming}
        sources = {name: record["model"] for name, record in parents.items()}
        to_train, skipped = selection.distinct_transitions(incoming, sources)
        settings: dict[str, Any] = {"delay": delay, "max_epochs": max_epochs, "family": family}
        if bound is not None:
            settings["slack"] = bound
            scores = {name: record["score"] for name, record in parents.items() if name != START}
            to_train = selection.promising_first(to_train, scores)
        runs: dict[Transition, Trained] = {}
        candidates: list[dict] = []
        for t in to_train:
            settings["min_epochs"] = min_epochs_start if t.source is None else min_epochs
            if bound is not None and candidates:
                settings["rival"] = max(found["fitted"] for found in candidates)
            start, stopper = models[sources[t.source_name]], KneeStopper(**settings)
            runs[t] = train_transition(train, start, state, stopper, report=partial(report, t))
            candidates.append(candidate(t, runs[t].decision))
        record = selection.state_record(state, candidates, parents, skipped, score=score)
        records[state.name] = record
        curves |= {t.name: run.scores for t, run in runs.items()}
        # A knee at t* = 0 passes on the parent's model, which is here already.
        models |= {t.name: run.model for t, run in runs.items() if t.name == record["model"]}
    del records[START]
    chosen = selection.plan(records, graph)
    sampling = State.parse(chosen["final"]).sampling
    return Found({"sampling": sampling} | chosen, models[chosen["model"]], records, curves)


def train_transition(
    train: Train,
    model,
    state: State,
    stopper: KneeStopper,
    *,
    report: Callable[[Decision], None] = lambda decision: None,
) -> Trained:
    """Train a copy of `model` with the state's setting until the stopper has seen the knee.

    `train` and `report` are as in `plan`. A knee at t* = 0 gives a copy of the model as it came.
    """
    epochs = train(deepcopy(model), state)
    snapshots: list = []
    decision: Decision | None = None
    while decision is None or not decision.stop:
        score, current = _next(epochs, state, len(snapshots))
        decision = stopper.update(len(snapshots), score)
        # A copy, as most networks are trained in place; all are kept, as t* may lie far back.
        snapshots.append(deepcopy(current))
        report(decision)
    assert decision.best_epoch is not None  # a stop has a fit
    return Trained(snapshots[decision.best_epoch], decision, tuple(stopper.scores))


def _race(graph: TransitionGraph, records: dict, margin: float) -> dict[str, str]:
    first = {sampling: State(sampling, graph.num_lengths, 1) for sampling in graph.samplings}
    scores = {sampling: records[state.name]["score"] for sampling, state in first.items()}
    return selection.race(scores, margin)


def candidate(transition: Transition, decision: Decision) -> dict:
    """A trained transition as `selection` ranks it and the record of a state lists it."""
    values = asdict(decision)
    scores = ("fitted", "observed", "residual_std", "identified", "upper")
    # Lists, not tuples: a record is the same before it is written as JSON and after.
    fit = {k: list(v) if isinstance(v, tuple) else v for k, v in values["fit"].items()}
    return {
        "transition": transition.name,
        "source": transition.source_name,
        "target": transition.target.name,
        "epochs": decision.best_epoch,
        "trained_epochs": decision.epoch,
        **{key: values[key] for key in scores},
        "reason": decision.reason,
        "fit": fit,
    }


def _next(epochs: Iterator, state: State, epoch: int) -> tuple[float, Any]:
    try:
        shown = next(epochs)
    except StopIteration:
        raise ValueError(
            f"training with {state.name} ended before epoch {epoch}, its knee was not seen yet: "
            f"train must yield (score, model) without an end"
        ) from None
    if not isinstance(shown, tuple) or len(shown) != 2:
        raise ValueError(f"train must yield (score, model) for every epoch, not {shown!r}")
    return float(shown[0]), shown[1]

"""The transition graph with the chosen path (Figs. 1, 4, 5)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from optplan.planning.states import START, State, Transition, TransitionGraph
from optplan.reporting.style import (
    BLACK,
    COLUMN,
    GREY,
    MUTED,
    MUTED_TEXT,
    PANEL,
    QUIET,
    RED,
    STYLE,
    save,
)
from optplan.reporting.tables import SAMPLING_NAMES

NODE = 11.0  # radius in points
DASHED = (0, (2, 1.4))
ROW = 0.66  # inches from one clip length to the next
EDGES: dict[str, dict[str, Any]] = {
    "given up": {"color": GREY, "linewidth": 0.8, "linestyle": (0, (1, 1.6)), "zorder": 1},
    "skipped": {"color": GREY, "linewidth": 0.8, "linestyle": (0, (3, 2.2)), "zorder": 1},
    "bounded": {"color": BLACK, "linewidth": 0.8, "linestyle": (0, (5, 1.2)), "zorder": 2},
    "possible": {"color": BLACK, "linewidth": 0.8, "zorder": 2},
    "explored": {"color": BLACK, "linewidth": 0.8, "zorder": 2},
    "other": {"color": MUTED, "linewidth": 1.3, "zorder": 3},
    "chosen": {"color": RED, "linewidth": 2.2, "zorder": 4},
}
LEGEND = {
    "chosen": "chosen path, t* on its edges",
    "other": "best path, other sampling",
    "explored": "trained",
    "bounded": "stopped early: could not win",
    "skipped": "not trained: duplicate",
    "given up": "not trained: sampling trails",
}


@dataclass(frozen=True, slots=True)
class Edge:
    """A transition in a drawing.

    Its kind is "possible" (nothing more is known), "chosen", "other" (best path of another
    sampling), "explored", "bounded" (stopped early), "skipped" (a duplicate) or "given up" (its
    sampling was). `epochs` is the knee t*, None for a transition that was not trained.
    """

    source: State | None
    target: State
    kind: str
    epochs: int | None


def graph_edges(
    graph: TransitionGraph, records: Mapping[str, Mapping], plan: Mapping
) -> list[Edge]:
    """Every transition of the graph as an `Edge`, in graph order.

    `records` are the state records by name, `plan` is the content of plan.yaml. The chosen path
    goes over the parents of the final state, so it also passes states that were left at t* = 0.
    ValueError when a state has no record.
    """
    missing = [state.name for state in graph.states if state.name not in records]
    if missing:
        raise ValueError(f"no record of state {', '.join(missing)}")
    kinds = {}
    for record in records.values():
        for entry in record["skipped"]:
            kinds[entry["transition"]] = "skipped" if record["candidates"] else "given up"
        for candidate in record["candidates"]:
            bounded = candidate["reason"] == "bounded"
            kinds[candidate["transition"]] = "bounded" if bounded else "explored"
    for final in graph.finals:
        name = final.name if records[final.name]["candidates"] else START
        while name != START:
            on_path = "chosen" if final.sampling == plan["sampling"] else "other"
            kinds[records[name]["transition"]] = on_path
            name = records[name]["parent"]
    epochs = {c["transition"]: c["epochs"] for r in records.values() for c in r["candidates"]}
    return [Edge(t.source, t.target, kinds[t.name], epochs.get(t.name)) for t in graph.transitions]


def path_edges(graph: TransitionGraph, plan: Mapping) -> list[Edge]:
    """The edges of a plan alone, of which nothing is known but its path.

    Where two of its states are no neighbours, the state between them was left at t* = 0. ValueError
    when there is no such state.
    """
    edges, source = [], None
    for step in plan["path"]:
        target = State.parse(step["state"])
        if Transition(source, target) not in graph.transitions:
            between = _between(graph, source, target)
            edges.append(Edge(source, between, "chosen", 0))
            source = between
        edges.append(Edge(source, target, "chosen", step["epochs"]))
        source = target
    return edges


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph to draw, with the edges of its plan.

    `records` of states by name may be empty, then states have no score. `labels` gives "lengths"
    (frames of l1, l2, ...) and "rates" (of r1, r2, ...).
    """

    graph: TransitionGraph
    edges: Sequence[Edge]
    records: Mapping[str, Mapping]
    labels: Mapping[str, Sequence]
    title: str = ""

    @property
    def rows(self) -> int:
        return len(self.graph.samplings) * (self.graph.num_lengths + 1)


def draw_graph(
    graph: TransitionGraph,
    edges: Sequence[Edge],
    records: Mapping[str, Mapping],
    labels: Mapping[str, Sequence],
    path_stem: Path,
) -> None:
    """The graph as in Fig. 4: scores (percent) in the states, the chosen path in orange.

    See `Panel` for the arguments. Writes `path_stem`.pdf and .png, one column wide.
    """
    draw_graphs([Panel(graph, edges, records, labels)], path_stem)


def draw_graphs(panels: Sequence[Panel], path_stem: Path) -> None:
    """Several graphs beside and below each other, two to a page's width, each with its title."""
    columns = min(2, len(panels))
    lines = -(-len(panels) // columns)
    titled = 0.35 if any(panel.title for panel in panels) else 0.0
    top, bottom = -1.0 - titled, max(panel.rows for panel in panels) - 0.62
    height = ROW * (bottom - top)
    with rc_context(STYLE):
        figure = Figure(figsize=(COLUMN * columns, height * lines))
        for place, panel in enumerate(panels):
            line, column = divmod(place, columns)
            box = (column / columns, 1 - (line + 1) / lines, 1 / columns, 1 / lines)
            axes = figure.add_axes(box)
            axes.set(xlim=(-0.4, panel.graph.num_rates + 1.15), ylim=(bottom, top))
            axes.axis("off")
            if panel.title:
                letter = f"({chr(ord('a') + place)}) " if len(panels) > 1 else ""
                axes.text(-0.3, -1.15, letter + panel.title, weight="bold", va="center", size=8)
            _draw_graph(axes, panel)
        save(figure, path_stem)


def _draw_graph(axes: Axes, panel: Panel) -> None:
    graph, edges, records = panel.graph, panel.edges, panel.records
    for sampling in graph.samplings:
        _draw_panel(axes, graph, sampling, panel.labels)
    for edge in edges:
        _draw_edge(axes, graph, edge)
    _draw_node(axes, graph.position(None), "start", BLACK)
    on_path = {edge.target: edge for edge in edges if edge.kind in ("chosen", "other")}
    for state in graph.states:
        into = on_path.get(state)
        wins = into is not None and into.kind == "chosen" and state in graph.finals
        _draw_state(axes, graph.position(state), records.get(state.name), into, wins)
    _draw_legend(axes, edges, any(map(_kept, records.values())))


def _between(graph: TransitionGraph, source: State | None, target: State) -> State:
    for transition in graph.outgoing(source):
        if target in (onward.target for onward in graph.outgoing(transition.target)):
            return transition.target
    start = START if source is None else source.name
    raise ValueError(f"no transition leads from {start} to {target.name}, not even in two steps")


def _draw_panel(axes: Axes, graph: TransitionGraph, sampling: str, labels: Mapping) -> None:
    """The background of one sampling's states, with the settings of its columns and rows."""
    first = graph.position(State(sampling, 1, 1))[1]
    size = graph.num_rates + 0.6, graph.num_lengths - 1 + 0.9
    box = FancyBboxPatch(
        (0.55, first - 0.45), *size, boxstyle="round,pad=0,rounding_size=0.12", fc=PANEL, ec="none"
    )
    axes.add_patch(box)
    axes.text(0.55, first - 0.8, f"{SAMPLING_NAMES[sampling]} sampling", va="center", weight="bold")
    for rate, value in enumerate(labels["rates"], start=1):
        axes.text(
            rate, first - 0.57, f"r{rate} = {value:g}", ha="center", va="center", color="#555"
        )
    for length, frames in enumerate(labels["lengths"], start=1):
        x, y = graph.num_rates + 0.36, first + length - 1
        axes.text(x, y, f"l{length}\n{frames} frames", va="center", color=QUIET)


def _draw_edge(axes: Axes, graph: TransitionGraph, edge: Edge) -> None:
    source, target = graph.position(edge.source), graph.position(edge.target)
    arrow = FancyArrowPatch(
        source,
        target,
        arrowstyle="-|>",
        mutation_scale=6 if edge.kind != "chosen" else 8,
        shrinkA=NODE,
        shrinkB=NODE + (3.4 if edge.target in graph.finals else 0.8),  # the winner has a ring
        joinstyle="miter",
        **EDGES[edge.kind],
    )
    axes.add_patch(arrow)
    if edge.kind in ("chosen", "other"):
        x, y = np.mean([source, target], axis=0)
        axes.text(
            x,
            y,
            str(edge.epochs),
            ha="center",
            va="center",
            color=RED if edge.kind == "chosen" else MUTED_TEXT,
            weight="bold" if edge.kind == "chosen" else "normal",
            zorder=6,
            bbox={"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none"},
        )


def _draw_state(
    axes: Axes, place: tuple, record: Mapping | None, edge: Edge | None, wins: bool
) -> None:
    color = BLACK if edge is None else EDGES[edge.kind]["color"]
    label = "" if record is None else "–"
    if record is not None and record["score"] is None:
        color = GREY
    elif record is not None:
        label = f"{100 * record['score']:.1f}"
    if wins:
        _draw_node(axes, place, label, color, fill=color, text="white")
        axes.plot(*place, "o", ms=2 * NODE + 5, mfc="none", mec=color, mew=0.9, zorder=5)
    else:
        width = 2.0 if edge is not None and edge.kind == "chosen" else 0.9
        kept = edge is not None and edge.epochs == 0 if record is None else _kept(record)
        _draw_node(axes, place, label, color, width=width, dashed=kept)


def _kept(record: Mapping) -> bool:
    """Whether the state passes on its parent's model."""
    return bool(record["candidates"]) and record["epochs"] == 0


def _draw_node(axes, place, label, color, *, fill="white", text=BLACK, width=0.9, dashed=False):
    axes.scatter(
        *place,
        s=(2 * NODE) ** 2,
        facecolor=fill,
        edgecolor=color,
        linewidth=width,
        linestyle=DASHED if dashed else "-",
        zorder=5,
    )
    axes.text(*place, label, ha="center", va="center", color=text, zorder=7)


def _draw_legend(axes: Axes, edges: Sequence[Edge], dropped: bool) -> None:
    kinds = [kind for kind in LEGEND if kind in {edge.kind for edge in edges}]
    handles: list[Artist] = [Line2D([], [], **EDGES[kind]) for kind in kinds]
    names = [LEGEND[kind] for kind in kinds]
    if not handles:
        return
    if dropped:
        handles.append(axes.scatter([], [], s=55, fc="white", ec=BLACK, linestyle=DASHED))
        names.append("t* = 0: the parent's model")
    axes.legend(handles, names, loc="lower center", ncols=2, handlelength=1.9, columnspacing=1.4)

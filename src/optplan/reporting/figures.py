"""The figures of a run: the transition graph (Figs. 1, 4, 5) and performance-epoch curves (Fig. 2).

Every figure is written as PDF and PNG. The same records give the same bytes: no file says when or
with which version it was drawn.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.ticker import MaxNLocator

from optplan.planning.curves import Fit
from optplan.planning.states import START, State, Transition, TransitionGraph
from optplan.reporting.records import read_curve, read_json
from optplan.reporting.tables import SAMPLING_NAMES

COLUMN, PAGE = 3.4, 7.0  # widths in inches of one column and of a page

# Colours of Okabe and Ito, which stay apart for colour-blind readers.
BLACK, GREY, RED, BLUE = "#000000", "#9A9A9A", "#D55E00", "#0072B2"
MUTED, MUTED_TEXT = "#DDA07C", "#A65A2E"
PANEL, QUIET = "#F5F5F2", "#555555"

TICKS = {"width": 0.6, "size": 2.5}
STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so every machine has it
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    **{f"{axis}tick.major.{key}": value for axis in "xy" for key, value in TICKS.items()},
    "legend.frameon": False,
    "legend.fontsize": 6.5,
    "pdf.fonttype": 42,
}

NODE = 11.0  # radius in points
DASHED = (0, (2, 1.4))
ROW = 0.66  # inches from one clip length to the next
CURVES = {
    "observed": {"color": BLUE, "marker": "o", "ms": 2.4, "mew": 0, "alpha": 0.8, "ls": "none"},
    "fit": {"color": BLACK, "linewidth": 1.1},
    "knee t*": {"color": RED, "linewidth": 1.1},
    "training stopped": {"color": GREY, "linewidth": 0.9, "linestyle": (0, (1, 1.5))},
}
MIN_SPAN = 8.0  # percent that a curve's axis shows at least
EDGES = {
    "given up": {"color": GREY, "linewidth": 0.8, "linestyle": (0, (1, 1.6)), "zorder": 1},
    "skipped": {"color": GREY, "linewidth": 0.8, "linestyle": (0, (3, 2.2)), "zorder": 1},
    "bounded": {"color": BLACK, "linewidth": 0.8, "linestyle": (0, (5, 1.2)), "zorder": 2},
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

    Its kind is "chosen", "other" (best path of another sampling), "explored", "bounded" (stopped
    early), "skipped" (a duplicate) or "given up" (its sampling was). `epochs` is the knee t*, None
    for a transition that was not trained.
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


def transition_title(transition: Transition) -> str:
    """What a transition changes, for people: "cs: l1 → l2, r1"."""
    source, target = transition.source, transition.target
    if source is None:
        return f"{target.sampling}: start → l{target.length}, r{target.rate}"
    length, rate = (
        f"{letter}{new}" if old == new else f"{letter}{old} → {letter}{new}"
        for letter, old, new in zip(
            "lr", (source.length, source.rate), (target.length, target.rate), strict=True
        )
    )
    return f"{target.sampling}: {length}, {rate}"


def draw_graph(
    graph: TransitionGraph,
    records: Mapping[str, Mapping],
    plan: Mapping,
    labels: Mapping[str, Sequence],
    path_stem: Path,
) -> None:
    """The graph as in Fig. 4: scores (percent) in the states, the chosen path in red.

    `labels` gives "lengths" (frames of l1, l2, ...) and "rates" (of r1, r2, ...). Writes
    `path_stem`.pdf and .png, one column wide.
    """
    edges = graph_edges(graph, records, plan)
    rows = len(graph.samplings) * (graph.num_lengths + 1)
    top, bottom = -1.0, rows - 0.62
    with rc_context(STYLE):
        figure = Figure(figsize=(COLUMN, ROW * (bottom - top)))
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-0.4, graph.num_rates + 1.15), ylim=(bottom, top))
        axes.axis("off")
        for sampling in graph.samplings:
            _draw_panel(axes, graph, sampling, labels)
        for edge in edges:
            _draw_edge(axes, graph, edge)
        _draw_node(axes, graph.position(None), "start", BLACK)
        on_path = {edge.target: edge for edge in edges if edge.kind in ("chosen", "other")}
        for state in graph.states:
            edge = on_path.get(state)
            wins = state in graph.finals and state.sampling == plan["sampling"]
            _draw_state(axes, graph.position(state), records[state.name], edge, wins)
        _draw_legend(
            axes, edges, any(r["candidates"] and r["epochs"] == 0 for r in records.values())
        )
        _save(figure, path_stem)


def draw_curves(run: Path, transitions: Sequence[str], path_stem: Path) -> None:
    """Small multiples as in Fig. 2: each transition's scores, fit, knee t* and last epoch.

    `transitions` are names, such as cs-l1-r1--cs-l1-r2, in `run`/transitions. Writes
    `path_stem`.pdf and .png, a page wide. ValueError without any transition.
    """
    if not transitions:
        raise ValueError("transitions is empty: name at least one curve to draw")
    columns = min(3, len(transitions))
    rows = -(-len(transitions) // columns)
    with rc_context(STYLE):
        width = PAGE if columns > 1 else COLUMN
        figure = Figure(figsize=(width, 1.55 * rows + 0.3), layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, name in zip(grid.flat, transitions, strict=False):
            folder = Path(run) / "transitions" / name
            _draw_curve(axes, read_curve(folder / "curve.jsonl"), read_json(folder / "knee.json"))
            axes.set_title(transition_title(Transition.parse(name)), loc="left")
        for axes in grid.flat[len(transitions) :]:
            axes.axis("off")
        figure.supxlabel("epoch", fontsize=7)
        figure.supylabel("validation top-1 (%)", fontsize=7)
        handles = [Line2D([], [], **style) for style in CURVES.values()]
        figure.legend(handles, list(CURVES), loc="outside upper left", ncols=len(CURVES))
        _save(figure, path_stem)


def _draw_panel(axes: Axes, graph: TransitionGraph, sampling: str, labels: Mapping) -> None:
    """The background of one sampling's states, with the settings of its columns and rows."""
    first = graph.position(State(sampling, 1, 1))[1]
    size = graph.num_rates + 0.53, graph.num_lengths - 1 + 0.9
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
        axes.text(
            *np.mean([source, target], axis=0),
            str(edge.epochs),
            ha="center",
            va="center",
            color=RED if edge.kind == "chosen" else MUTED_TEXT,
            weight="bold" if edge.kind == "chosen" else "normal",
            zorder=6,
            bbox={"boxstyle": "round,pad=0.12", "fc": "white", "ec": "none"},
        )


def _draw_state(axes: Axes, place: tuple, record: Mapping, edge: Edge | None, wins: bool) -> None:
    if record["score"] is None:
        _draw_node(axes, place, "–", GREY, text=GREY)
        return
    label = f"{100 * record['score']:.1f}"
    color = BLACK if edge is None else EDGES[edge.kind]["color"]
    if wins:
        _draw_node(axes, place, label, color, fill=color, text="white")
        axes.plot(*place, "o", ms=2 * NODE + 5, mfc="none", mec=color, mew=0.9, zorder=5)
    else:
        width = 2.0 if edge is not None and edge.kind == "chosen" else 0.9
        _draw_node(axes, place, label, color, width=width, dashed=record["epochs"] == 0)


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


def _draw_curve(axes: Axes, scores: list[float], knee: Mapping) -> None:
    last = len(scores) - 1
    axes.plot(100 * np.array(scores), **CURVES["observed"])
    if knee["fit"] is not None:
        epochs = np.linspace(0, last, 200)
        axes.plot(epochs, 100 * Fit(**knee["fit"]).value(epochs), **CURVES["fit"])
    axes.axvline(last, **CURVES["training stopped"], zorder=0)
    axes.axvline(knee["epochs"], **CURVES["knee t*"], zorder=0)
    side = 1 if knee["epochs"] < 0.75 * last else -1
    axes.annotate(
        f"t* = {knee['epochs']}",
        (knee["epochs"], 0.05),
        xycoords=("data", "axes fraction"),
        xytext=(3 * side, 0),
        textcoords="offset points",
        ha="left" if side > 0 else "right",
        color=RED,
    )
    # A narrower range would make noise look like a trend.
    low, high = 100 * min(scores), 100 * max(scores)
    slack = max(0.06 * (high - low), (MIN_SPAN - (high - low)) / 2)
    axes.set_ylim(low - 1.5 * slack, high + slack)
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.set_xlim(left=min(-0.5, -0.02 * last))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))


def _draw_legend(axes: Axes, edges: Sequence[Edge], dropped: bool) -> None:
    kinds = [kind for kind in LEGEND if kind in {edge.kind for edge in edges}]
    handles = [Line2D([], [], **EDGES[kind]) for kind in kinds]
    names = [LEGEND[kind] for kind in kinds]
    if dropped:
        handles.append(axes.scatter([], [], s=55, fc="white", ec=BLACK, linestyle=DASHED))
        names.append("t* = 0: the parent's model")
    axes.legend(handles, names, loc="lower center", ncols=2, handlelength=1.9, columnspacing=1.4)


def _save(figure: Figure, path_stem: Path) -> None:
    stem = Path(path_stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(stem.with_name(stem.name + ".pdf"), metadata={"CreationDate": None})
    figure.savefig(stem.with_name(stem.name + ".png"), dpi=200, metadata={"Software": None})

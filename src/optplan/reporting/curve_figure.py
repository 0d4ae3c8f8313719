"""Performance-epoch curves with their fits and knees (Fig. 2)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from optplan.planning.curves import Fit
from optplan.planning.metric import metric_of
from optplan.planning.states import Transition
from optplan.reporting.records import read_curve, read_json
from optplan.reporting.style import BLACK, BLUE, COLUMN, GREY, PAGE, RED, STYLE, save

CURVES: dict[str, dict[str, Any]] = {
    "observed": {"color": BLUE, "marker": "o", "ms": 2.4, "mew": 0, "alpha": 0.8, "ls": "none"},
    "fit": {"color": BLACK, "linewidth": 1.1},
    "knee t*": {"color": RED, "linewidth": 1.1},
    "training stopped": {"color": GREY, "linewidth": 0.9, "linestyle": (0, (1, 1.5))},
}
MIN_SPAN = 8.0  # percent that a curve's axis shows at least


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
            knee = read_json(folder / "knee.json")
            metric = metric_of(knee)  # the same for all transitions of a run
            _draw_curve(axes, read_curve(folder / "curve.jsonl", metric), knee)
            axes.set_title(transition_title(Transition.parse(name)), loc="left")
        for axes in grid.flat[len(transitions) :]:
            axes.axis("off")
        figure.supxlabel("epoch", fontsize=7)
        figure.supylabel(f"validation {metric.title} (%)", fontsize=7)
        handles = [Line2D([], [], **style) for style in CURVES.values()]
        figure.legend(handles, list(CURVES), loc="outside upper left", ncols=len(CURVES))
        save(figure, path_stem)


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

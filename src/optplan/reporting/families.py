"""The four curve families over all collected curves: Table 1 and Fig. 2."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from optplan.places import available
from optplan.planning.curves import FAMILIES, Fit, fit
from optplan.planning.metric import METRICS, TOP_1, Metric
from optplan.reporting.layout import MEASURED, Table
from optplan.reporting.measured import Results
from optplan.reporting.records import read_curve
from optplan.reporting.spending import transition_costs
from optplan.reporting.strategy_tables import waiting_notes
from optplan.reporting.style import BLACK, GREEN, GREY, PAGE, RED, SKY, STYLE, save

MIN_SCORES = 9  # two more than the parameters of the families with two terms
FORMS = {
    "power": "e - a (1 + t)^-b",
    "multi-power": "e - a1 (1 + t)^-b1 - a2 (1 + t)^-b2",
    "exponential": "e - a exp(-b t)",
    "multi-exponential": "e - a1 exp(-b1 t) - a2 exp(-b2 t)",
}
# Drawn in this order, ever narrower: fits that coincide are seen inside each other.
LINES: dict[str, dict[str, Any]] = {
    "power": {"color": SKY, "linewidth": 4.8},
    "multi-power": {"color": GREEN, "linewidth": 3.2},
    "exponential": {"color": RED, "linewidth": 1.8},
    "multi-exponential": {"color": BLACK, "linewidth": 0.7},
}


@dataclass(frozen=True, slots=True)
class Curve:
    """The validation scores (fractions) of epochs 0, 1, ... of a transition of an experiment."""

    experiment: str
    transition: str
    scores: tuple[float, ...]
    metric: Metric = TOP_1

    @property
    def from_scratch(self) -> bool:
        return self.transition.startswith("start--")


def collect(results: Results, names: Iterable[str]) -> list[Curve]:
    """Every curve that the experiments trained, of all seeds, if it has enough scores to fit."""
    curves = []
    for name in available(results.study, names):
        metric = METRICS[results.settings(name)["knee"]["metric"]]
        for run in results.runs(name):
            for cost in transition_costs(run):
                folder = Path(cost).parent
                scores = tuple(read_curve(folder / "curve.jsonl", metric))
                curves.append(Curve(name, folder.name, scores, metric))
    return [curve for curve in curves if len(curve.scores) >= MIN_SCORES]


def table1(results: Results, names: Sequence[str], curves: Sequence[Curve], commit: str) -> Table:
    """Mean RMSE and R^2 of the families, as the paper's Table 1."""
    table = Table(
        name="table1",
        title="Table 1: four families fitted to performance-epoch curves",
        header=["Function", "g(t)", "Source", "RMSE (points)", "R²", "Curves"],
        texts=3,
    )
    experiments = "+".join(dict.fromkeys(curve.experiment for curve in curves))
    for family in FAMILIES if curves else ():
        fits = [fit(curve.scores, family) for curve in curves]
        errors, shares = [f.rmse for f in fits], [f.r2 for f in fits]
        table.rows.append(
            [
                *(family, FORMS[family], MEASURED),
                *(f"{100 * mean(errors):.2f}", f"{mean(shares):.3f}", str(len(curves))),
            ]
        )
        for column, values in (("RMSE", errors), ("R2", shares)):
            std = stdev(values) if len(values) > 1 else None
            record = {"row": family, "column": column, "source": MEASURED, "mean": mean(values)}
            record |= {"std": std, "n": len(values), "commit": commit}
            table.records.append(record | {"experiment": experiments})
    scratch = sum(curve.from_scratch for curve in curves)
    table.notes = [
        f"f(t) = g(t) - c t - d t²; {len(curves)} curves, {scratch} of them from scratch, of "
        f"{len({curve.experiment for curve in curves})} experiments. Means over curves; the CSV "
        "has the standard deviations.",
        *([] if _titles(curves) == TOP_1.title else [f"Scores are {_titles(curves)}."]),
        *waiting_notes(results, {name: [name] for name in names}),
    ]
    return table


def _titles(curves: Sequence[Curve]) -> str:
    """What the scores are, all metrics by their names."""
    return " or ".join(sorted({curve.metric.title for curve in curves})) or TOP_1.title


def draw_families(curves: Sequence[Curve], path_stem: Path) -> None:
    """Fig. 2: (a) all curves, (b) a fit from scratch, (c) a fit of fine-tuning, a page wide."""
    with rc_context(STYLE):
        figure = Figure(figsize=(PAGE, 2.2), layout="constrained")
        panels = figure.subplots(1, 3)
        _draw_all(panels[0], curves)
        _draw_example(panels[1], [c for c in curves if c.from_scratch], "(b) from scratch")
        _draw_example(panels[2], [c for c in curves if not c.from_scratch], "(c) fine-tuning")
        panels[0].set_ylabel(f"validation {_titles(curves)} (%)")
        handles, labels = panels[1].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(handles))
        save(figure, path_stem)


def _draw_all(axes: Axes, curves: Sequence[Curve]) -> None:
    for curve in sorted(curves, key=lambda curve: not curve.from_scratch):
        color = RED if curve.from_scratch else GREY
        axes.plot(100 * np.array(curve.scores), color=color, linewidth=0.5, alpha=0.5)
    axes.set_title(f"(a) {len(curves)} curves", loc="left")
    for text, color, height in (("from scratch", RED, 0.14), ("fine-tuning", "#666666", 0.04)):
        box = {"fc": "white", "ec": "none", "alpha": 0.8, "pad": 1}
        axes.text(0.97, height, text, color=color, transform=axes.transAxes, ha="right", bbox=box)
    axes.set_xlabel("epoch")


def _draw_example(axes: Axes, curves: Sequence[Curve], title: str) -> None:
    """The longest curve, the first of equals, with the fit of every family."""
    axes.set_title(title, loc="left")
    axes.set_xlabel("epoch")
    if not curves:
        return
    curve = max(curves, key=lambda curve: len(curve.scores))
    axes.set_title(f"{title}: {curve.experiment}", loc="left")
    axes.plot(
        100 * np.array(curve.scores), "o", color=GREY, ms=2.4, mew=0, label="observed", zorder=3
    )
    epochs = np.linspace(0, len(curve.scores) - 1, 200)
    for family, line in LINES.items():
        found: Fit = fit(curve.scores, family)
        axes.plot(epochs, 100 * found.value(epochs), label=family, **line)

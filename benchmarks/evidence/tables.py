"""Planning beside the hand-tuned grid and TPE: accuracy, cost, and the sampling that was chosen."""

from collections.abc import Mapping, Sequence
from statistics import fmean, stdev

import pandas as pd
from cells import AS_PLANNED, LONGER, NETWORKS, PLANNERS, TO_LOSS, Cell, digits_of
from scipy.stats import t

from optplan.planning.states import State
from optplan.reporting.paired import Difference, difference
from optplan.reporting.records import digits

OTHERS = {method: method for method in (TO_LOSS, AS_PLANNED)}
GRID = "best of grid"
COMPARED = (
    ("paper", GRID),
    ("paper", LONGER),
    (TO_LOSS, GRID),
    ("economical", GRID),
    ("tpe", GRID),
    ("economical", "paper"),
    (TO_LOSS, "paper"),
    ("paper", "tpe"),
)
Groups = Mapping[tuple[str, str], Sequence[Cell]]


def best_strategy(cells: Sequence[Cell]) -> str:
    """The hand-tuned strategy with the best mean over seeds, of the test videos themselves."""
    return max(cells[0].strategies, key=lambda name: fmean(c.right(name).mean() for c in cells))


def accuracy_rows(together: Groups) -> pd.DataFrame:
    """Test top-1, mean and deviation over seeds."""
    rows = []
    for (experiment, network), cells in together.items():
        strategies = cells[0].strategies
        best = best_strategy(cells)
        row = {"Set": experiment, "Network": NETWORKS[network], "Seeds": len(cells)}
        for method, title in {"paper": "planned (paper)", **OTHERS, **PLANNERS}.items():
            row[title] = _top1(cells, method) if _has(cells, method) else ""
        row["best of grid"] = _top1(cells, best)
        row[LONGER] = _top1(cells, LONGER) if _has(cells, LONGER) else ""
        mean = fmean(cell.right(name).mean() for cell in cells for name in strategies)
        row["mean of grid"] = f"{100 * mean:.1f}"
        rows.append(row | {"Videos": len(cells[0].right("paper"))})
    return pd.DataFrame(rows)


def cost_rows(together: Groups) -> pd.DataFrame:
    """Frames in millions, of training and validation, and minutes of one processor; a seed."""
    rows = []
    for (experiment, network), cells in together.items():
        row = {"Set": experiment, "Network": NETWORKS[network]}
        for method, title in PLANNERS.items():
            row[title] = _frames(c.cost(method) for c in cells) if _has(cells, method) else ""
        grid = fmean(cell.grid_cost() for cell in cells)
        shared = fmean(cell.content["grid"]["shared"]["frames"] for cell in cells)
        planned = fmean(cell.cost("paper") for cell in cells)
        row |= {
            "grid, each alone": digits(grid / 1e6),
            "grid, beginnings shared": digits(shared / 1e6),
            "grid alone : planned (paper)": f"{grid / planned:.2f}",
            "planned (paper), min": digits(fmean(c.cost("paper", "seconds") for c in cells) / 60),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def lead_rows(together: Groups) -> pd.DataFrame:
    """Paired tests on the same test videos: each planner against the best of the grid, and TPE."""
    rows = []
    for (experiment, network), cells in together.items():
        for first, second in COMPARED:
            lead = _difference(cells, first, second)
            if lead is None:
                continue
            best = f"{GRID} ({best_strategy(cells)})"
            against = best if second == GRID else PLANNERS.get(second, second)
            rows.append(
                {
                    "Set": experiment,
                    "Network": NETWORKS[network],
                    "Lead of": PLANNERS.get(first, first),
                    "over": against,
                    **_lead(lead),
                }
            )
    return pd.DataFrame(rows)


def overall_rows(together: Groups) -> pd.DataFrame:
    """The same leads, mean over all sets and networks, which count alike."""
    rows = []
    for first, second in COMPARED:
        leads = [_difference(cells, first, second) for cells in together.values()]
        found = [lead for lead in leads if lead is not None]
        if len(found) < 2:
            continue
        points = [100 * lead.mean for lead in found]
        margin = t.ppf(0.975, len(points) - 1) * stdev(points) / len(points) ** 0.5
        seeds = [value for lead in found for value in lead.per_seed]
        rows.append(
            {
                "Lead of": PLANNERS.get(first, first),
                "over": PLANNERS.get(second, second),
                "Points": f"{fmean(points):+.1f}",
                "95 % interval": f"{fmean(points) - margin:+.1f} to {fmean(points) + margin:+.1f}",
                "Sets and networks ahead": f"{sum(p > 0 for p in points)} of {len(points)}",
                "Seeds ahead": f"{sum(value > 0 for value in seeds)} of {len(seeds)}",
            }
        )
    return pd.DataFrame(rows)


def sampling_rows(together: Groups, expected: Mapping[str, str | None]) -> pd.DataFrame:
    """The sampling and the path that each planner chose with each seed."""
    rows = []
    for (experiment, network), cells in together.items():
        for cell in cells:
            for method, title in PLANNERS.items():
                if method in cell.content:
                    own, right = cell.content[method], expected[experiment]
                    path = ", ".join(f"{State.parse(s).name[3:]} {e}" for s, e in own["path"])
                    verdict = "" if right is None else ("yes" if own["sampling"] == right else "no")
                    rows.append(
                        {
                            "Set": experiment,
                            "Network": NETWORKS[network],
                            "Seed": cell.seed,
                            "Method": title,
                            "Sampling": own["sampling"],
                            "Right": verdict,
                            "Path and epochs": path,
                        }
                    )
    return pd.DataFrame(rows)


def retraining_rows(cells: Sequence[Cell]) -> pd.DataFrame:
    """A plan's path trained again with several seeds, for its epochs and on to its losses."""
    rows = []
    for cell in cells:
        if "retraining" not in cell.content:
            continue
        runs = cell.content["retraining"]["runs"]
        row = {"Set": cell.experiment, "Plan of seed": cell.seed}
        mean, epochs = {}, {}
        for rule, title in (("epochs", "for t* epochs"), ("loss", "on to the loss")):
            own = [run for run in runs if run["rule"] == rule]
            values = [100 * digits_of(run["right"]).mean() for run in own]
            mean[rule], epochs[rule] = fmean(values), sum(sum(run["epochs"]) for run in own)
            row[title] = f"{mean[rule]:.1f} ({min(values):.1f} to {max(values):.1f})"
        row["Lead (points)"] = f"{mean['loss'] - mean['epochs']:+.1f}"
        row["Epochs"] = f"x {epochs['loss'] / epochs['epochs']:.2f}"
        rows.append(row | {"Retrainings": len(runs) // 2})
    return pd.DataFrame(rows)


def measured_rows(cells: Sequence[Cell]) -> pd.DataFrame:
    """Every number in full precision: a row for each method, set, network and seed."""
    rows = []
    for cell in cells:
        for method in [*(m for m in PLANNERS if m in cell.content), *cell.strategies]:
            right = cell.right(method)
            rows.append(
                {
                    "set": cell.experiment,
                    "network": cell.network,
                    "seed": cell.seed,
                    "method": method,
                    "top1": right.mean(),
                    "videos": len(right),
                    "frames": cell.cost(method),
                    "seconds": round(cell.cost(method, "seconds"), 2),
                    "epochs": cell.cost(method, "epochs"),
                }
            )
    return pd.DataFrame(rows)


def _difference(cells: Sequence[Cell], first: str, second: str) -> Difference | None:
    """The lead of one method over another, or None where either was not measured."""
    second = best_strategy(cells) if second == GRID else second
    if not (_has(cells, first) and _has(cells, second)):
        return None
    return difference([c.right(first) for c in cells], [c.right(second) for c in cells])


def _has(cells: Sequence[Cell], method: str) -> bool:
    return all(cell.has(method) for cell in cells)


def _top1(cells: Sequence[Cell], method: str) -> str:
    values = [100 * cell.right(method).mean() for cell in cells]
    return f"{fmean(values):.1f}" + (f" ± {stdev(values):.1f}" if len(values) > 1 else "")


def _frames(values) -> str:
    return digits(fmean(values) / 1e6)


def _lead(lead: Difference) -> dict:
    return {
        "Points": f"{100 * lead.mean:+.1f}",
        "95 % interval": f"{100 * lead.low:+.1f} to {100 * lead.high:+.1f}",
        "p": "< 0.001" if lead.p < 0.001 else f"{lead.p:.3f}",
        "by seed": ", ".join(f"{100 * value:+.1f}" for value in lead.per_seed),
    }

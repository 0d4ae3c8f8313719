"""Planning against hand-tuning, in accuracy and in cost: Tables 3 and 4 of the paper.

Hand-tuning costs the whole grid, because the best strategy is known only after all are trained.
Planning costs every transition it trained, and the retraining of the path it chose.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from optplan.planning.metric import METRICS
from optplan.planning.strategies import HandTuned
from optplan.reporting.paired import correct, difference
from optplan.reporting.records import digits, read_json
from optplan.reporting.spending import cost_alone, cost_planned, cost_spent, sum_costs
from optplan.study import read_plan

GRID = "best hand-tuned (grid)"
SHARED = "same, beginnings shared"
PLANNED = "planned path"
REPLAYED = "replayed path"
FUSION = "mean of the scores"
SAMPLING_NAMES = {"cs": "consecutive", "us": "uniform"}


def comparison(root: Path, experiments: Mapping[str, Mapping]) -> tuple[pd.DataFrame, dict]:
    """The rows of all experiments and seeds below `root` (results/<study>), and a note on each.

    `experiments` says of each by name its "strategies", its "expected_sampling", and as "plans" the
    file that each seed replays, None where it plans itself.
    """
    rows, notes = [], {}
    for name, own in experiments.items():
        told = {}
        for seed, given in own["plans"].items():
            run = Path(root, name, f"seed-{seed}")
            strategies = own["strategies"]
            rows.append(
                comparison_rows(
                    run, experiment=name, seed=seed, strategies=strategies, given_plan=given
                )
            )
            plan, expected = read_plan(given or run / "plan.yaml"), own["expected_sampling"]
            told[seed] = planner_note(plan, expected_sampling=expected, given_plan=given)
        notes[name] = _of_seeds(told)
    return pd.concat(rows, ignore_index=True), notes


def comparison_rows(
    run: Path, *, experiment: str, seed: int, strategies: Iterable[str], given_plan: str | None
) -> pd.DataFrame:
    """One experiment: each hand-tuned strategy, the best of them, and the plan.

    The best costs the whole grid: every run alone, and in a row below what was really spent.

    `run` is results/<study>/<experiment>/seed-<n>; `strategies` are the names of the hand-tuned
    ones; `given_plan` is the file that was replayed instead of planning, which then costs nothing.
    Columns: experiment, seed, strategy, sampling, top1 and its binomial standard_error (fractions),
    videos, epochs, frames (trained and evaluated), seconds, device. ValueError when a strategy has
    no cost.json.
    """
    run = Path(run)
    plan = read_plan(given_plan or run / "plan.yaml")
    alone = {name: cost_alone(run, name) for name in strategies}
    rows = [
        {"strategy": name, "sampling": HandTuned.parse(name).sampling}
        | _accuracy(run, name)
        | _cost(cost)
        for name, cost in alone.items()
    ]
    if rows:
        best = min(rows, key=lambda row: (-row["top1"], row["epochs"]))
        rows.append(best | {"strategy": GRID} | _cost(sum_costs(alone.values())))
        rows.append(best | {"strategy": SHARED} | _cost(cost_spent(run, alone)))
    rows.append(
        {
            "strategy": REPLAYED if given_plan else PLANNED,
            "sampling": plan["sampling"],
        }
        | _accuracy(run, "planned")
        | _cost(cost_planned(run, plan, searched=not given_plan))
    )
    return pd.DataFrame([{"experiment": experiment, "seed": seed} | row for row in rows])


def fusion_row(
    table: pd.DataFrame, metrics: Path, *, name: str, members: Sequence[str]
) -> pd.DataFrame:
    """The fusion `name` of the planned paths of two experiments of `table` (Table 7): one row.

    `metrics` is the file that `fuse_scores` wrote. It costs what both paths cost together.
    """
    paths = _path_rows(table, members)
    sampling, *others = paths["sampling"].unique()
    row = {
        "experiment": name,
        "seed": paths["seed"].iloc[0],
        "strategy": FUSION,
        "sampling": "both" if others else sampling,
        **_accuracy_of(read_json(metrics)),
        **paths[["epochs", "frames", "seconds"]].sum(),
        "device": ", ".join(sorted(set(paths["device"]))),
    }
    return pd.DataFrame([row]).astype({"epochs": int, "frames": int})


def fusion_note(table: pd.DataFrame, members: Sequence[str]) -> str:
    """Whose scores were averaged, and how good each is alone."""
    paths = _path_rows(table, members)
    alone = zip(paths["experiment"], paths["top1"], paths["standard_error"], strict=True)
    texts = [f"{name} ({_percent(top1, error)} %)" for name, top1, error in alone]
    return f"The paths of {' and '.join(texts)}; the cost is that of both."


def planner_note(
    plan: Mapping, *, expected_sampling: str | None = None, given_plan: str | None = None
) -> str:
    """What the planner chose, in sentences, from the content of plan.yaml.

    `expected_sampling` ("cs", "us", or None where it is not known) is the right answer;
    `given_plan` is the file that was replayed instead of planning.
    """
    path = ", ".join(f"{step['state']} ({_epochs(step['epochs'])})" for step in plan["path"])
    if given_plan:
        return f"The path of {given_plan} was replayed without planning: {path}."
    chosen = SAMPLING_NAMES[plan["sampling"]]
    if expected_sampling is None:
        verdict = f"The planner chose {chosen} sampling."
    elif expected_sampling == plan["sampling"]:
        verdict = f"The planner chose {chosen} sampling, as it should."
    else:
        wanted = SAMPLING_NAMES[expected_sampling]
        verdict = f"The planner chose {chosen} sampling; {wanted} was expected."
    return (
        f"{verdict} Its path is {path or 'to stay with the initial weights'}; "
        f"the expected {_expected(plan['expected'])} validation videos.{_cut(plan)}"
    )


def _expected(expected: Mapping) -> str:
    """The score by its name, such as "top-1 is 50.5 ± 3.1 % on 210"."""
    metric = next(metric for metric in METRICS.values() if metric.key in expected)
    most, error = "at most ", expected.get("standard_error_at_most")
    if error is None:
        most, error = "", expected["standard_error"]
    score = f"{100 * expected[metric.key]:.1f} ± {most}{100 * error:.1f}"
    return f"{metric.title} is {score} % on {expected['videos']}"


def _of_seeds(notes: Mapping[int, str]) -> str:
    """The notes on an experiment's seeds, once if they are the same."""
    if len(set(notes.values())) == 1:
        return next(iter(notes.values()))
    return "\n".join(f"- Seed {seed}: {note}" for seed, note in notes.items())


def _cut(plan: Mapping) -> str:
    """Which stages of the path max_epochs stopped before their knee was sure: a limit to raise."""
    names = [step["state"] for step in plan["path"] if step.get("stopped") == "max_epochs"]
    if not names:
        return ""
    return (
        f" At {', '.join(names)} knee.max_epochs came before a sure knee: "
        "with more epochs the path may get better."
    )


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """The table in full precision: reading it back gives the same numbers."""
    table.to_csv(path, index=False, lineterminator="\n")


def write_markdown(table: pd.DataFrame, path: Path, notes: Mapping[str, str]) -> None:
    """The table for people: one block for each experiment, with its note from `notes` below."""
    blocks = ["# Planning against hand-tuning"]
    for experiment, rows in table.groupby("experiment", sort=False):
        blocks += [f"## {experiment}", _human(rows).to_markdown(**_layout(rows))]
        if str(experiment) in notes:
            blocks.append(notes[str(experiment)])
        blocks.append(_fine_print(rows))
    Path(path).write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def variant_rows(metric_files: Iterable[Path]) -> pd.DataFrame:
    """The planned path, first in `metric_files`, and its variants (Sec. 5.4).

    Columns: strategy, top1, standard_error and gain over the planned path (fractions), videos, and
    p, the chance of such a gain between equal models (McNemar; NaN for a simulated task).
    """
    rows = []
    metric_files = [Path(path) for path in metric_files]
    for path in metric_files:
        run = path.parents[2]
        rows.append({"strategy": path.parent.name} | _accuracy(run, path.parent.name))
    table = pd.DataFrame(rows)
    right = [correct(Path(path).with_name("scores.npz")) for path in metric_files]
    plan = right[0]
    chances = [
        math.nan if plan is None or one is None else difference([one], [plan]).p for one in right
    ]
    return table.assign(gain=table["top1"] - table["top1"].iloc[0], p=chances)


def write_variants(table: pd.DataFrame, path: Path) -> None:
    """The variants for people, best first."""
    rows = table.sort_values("top1", ascending=False, kind="stable")
    accuracy = zip(rows["top1"], rows["standard_error"], strict=True)
    human = pd.DataFrame(
        {
            "Path": rows["strategy"],
            "Top-1 (%)": [_percent(*pair) for pair in accuracy],
            "Against the plan (points)": [f"{100 * gain:+.1f}" for gain in rows["gain"]],
            "p": ["" if math.isnan(p) else f"{p:.3f}" for p in rows["p"]],
        }
    )
    layout: dict[str, Any] = {
        "index": False,
        "colalign": ("left", "right", "right", "right"),
        "disable_numparse": True,
    }
    videos = rows["videos"].iloc[0]
    text = (
        f"# Variants of the planned path\n\n{human.to_markdown(**layout)}\n\n"
        f"A variant has one state more (with) or less (without); its epochs are determined anew. "
        f"Top-1 on {videos} test videos, ± one binomial standard error; p is that of "
        f"McNemar's test against the planned path, on the same videos.\n"
    )
    Path(path).write_text(text, encoding="utf-8")


def _path_rows(table: pd.DataFrame, members: Sequence[str]) -> pd.DataFrame:
    """The paths of these experiments, of their first seeds."""
    paths = table[table["strategy"].isin([PLANNED, REPLAYED])].drop_duplicates("experiment")
    return paths.set_index("experiment", drop=False).loc[list(members)]


def _accuracy(run: Path, name: str) -> dict:
    return _accuracy_of(read_json(run / "evaluation" / name / "metrics.json"))


def _accuracy_of(metrics: Mapping) -> dict:
    top1, videos = metrics["top1"], metrics["videos"]
    error = (top1 * (1 - top1) / videos) ** 0.5
    return {"top1": top1, "standard_error": error, "videos": videos}


def _cost(total: Mapping) -> dict:
    return {
        "epochs": total["epochs"],
        "frames": total["frames_trained"] + total["frames_evaluated"],
        "seconds": total["seconds"],
        "device": ", ".join(sorted(total["devices"])),
    }


def _human(rows: pd.DataFrame) -> pd.DataFrame:
    accuracy = zip(rows["top1"], rows["standard_error"], strict=True)
    columns = {
        "Strategy": rows["strategy"],
        "Sampling": [SAMPLING_NAMES.get(name, name) for name in rows["sampling"]],
        "Top-1 (%)": [_percent(*pair) for pair in accuracy],
        "Epochs": rows["epochs"].map(str),
        "Frames (M)": [digits(frames / 1e6) for frames in rows["frames"]],
        "Time (min)": [digits(seconds / 60) for seconds in rows["seconds"]],
    }
    if rows["seed"].nunique() > 1:
        columns = {"Seed": rows["seed"].map(str)} | columns
    return pd.DataFrame(columns)


def _layout(rows: pd.DataFrame) -> dict:
    texts = 2 if rows["seed"].nunique() == 1 else 3
    align = ("left",) * texts + ("right",) * 4
    # Everything is formatted already; numbers must not be parsed and rounded again.
    return {"index": False, "colalign": align, "disable_numparse": True}


def _fine_print(rows: pd.DataFrame) -> str:
    seeds = sorted(rows["seed"].unique())
    videos = " or ".join(str(n) for n in sorted(rows["videos"].unique()))
    devices = ", ".join(sorted({name for cell in rows["device"] for name in cell.split(", ")}))
    text = (
        f"Top-1 on {videos} test videos, ± one binomial standard error. "
        f"Seed{'s' if len(seeds) > 1 else ''} {', '.join(map(str, seeds))}, on {devices}."
    )
    if (rows["strategy"] == FUSION).all():
        return text
    return (
        f"{text} The grid costs every hand-tuned strategy trained alone, or what was spent with "
        "equal beginnings trained once; its best is picked by the top-1 shown. The planned path "
        "costs all transitions and the retraining, a replayed one only its training."
    )


def _percent(top1: float, error: float) -> str:
    return f"{100 * top1:.1f} ± {100 * error:.1f}"


def _epochs(count: int) -> str:
    return f"{count} epoch" if count == 1 else f"{count} epochs"

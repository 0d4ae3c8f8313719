"""What a study has cost so far: each experiment and each table, in frames and device-hours."""

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from optplan.places import needed, place_names
from optplan.reporting.records import COUNTS, digits, read_json

# Of a seed: where each part of the work notes what it cost.
PARTS = {
    "planning": ("transitions/*/cost.json",),
    "paths": ("strategies/*/*/cost.json", "variants/*/*/cost.json"),
    "hand-tuned": ("strategies/*/cost.json",),
}


def bill_rows(root: Path, study: Mapping) -> pd.DataFrame:
    """A row for each part of each experiment with results below `root` (results/<study>).

    Columns: experiment, part, jobs, epochs, frames (trained and evaluated), seconds, device_hours
    (a job on two GPUs counts twice) and device. Evaluations of test videos are not counted.
    """
    rows = []
    for name in study["experiments"]:
        for part, patterns in PARTS.items():
            files = [f for p in patterns for f in sorted(Path(root, name).glob(f"seed-*/{p}"))]
            if files:
                rows.append({"experiment": name, "part": part} | _sum(files))
    columns = [
        "experiment",
        "part",
        "jobs",
        "epochs",
        "frames",
        "seconds",
        "device_hours",
        "device",
    ]
    return pd.DataFrame(rows, columns=columns)


def table_rows(bill: pd.DataFrame, study: Mapping) -> pd.DataFrame:
    """What each table of the paper took, with all that its experiments build on.

    Columns: table, experiments, frames, device_hours. An experiment of two tables is in both rows.
    """
    rows = []
    for table, places in study["tables"].items():
        names = needed(study, place_names(table, places)) if places else []
        own = bill[bill["experiment"].isin(names)]
        if len(own):
            count = own["experiment"].nunique()
            sums = own[["frames", "device_hours"]].sum().to_dict()
            rows.append({"table": table, "experiments": count} | sums)
    return pd.DataFrame(rows, columns=["table", "experiments", "frames", "device_hours"])


def write_bill(bill: pd.DataFrame, tables: pd.DataFrame, path: Path):
    """Both for people: hours of the parts side by side, then the tables of the paper."""
    hours = bill.pivot_table(
        index="experiment", columns="part", values="device_hours", aggfunc="sum", sort=False
    )
    hours = hours.reindex(columns=list(PARTS))
    total = bill.groupby("experiment", sort=False)[["jobs", "frames", "device_hours"]].sum()
    hours.loc["all"], total.loc["all"] = hours.sum(), total.sum()
    human = pd.DataFrame({f"{part.capitalize()} (h)": hours[part].map(_hours) for part in PARTS})
    human["In all (h)"] = total["device_hours"].map(_hours)
    human["Frames (M)"] = [digits(frames / 1e6) for frames in total["frames"]]
    human["Jobs"] = total["jobs"].astype(int).astype(str)
    human.insert(0, "Experiment", human.index)
    blocks = ["# What it cost", _markdown(human)]
    if len(tables):
        human = tables.assign(
            experiments=tables["experiments"].astype(str),
            frames=[digits(frames / 1e6) for frames in tables["frames"]],
            device_hours=tables["device_hours"].map(_hours),
        )
        human.columns = ["Table", "Experiments", "Frames (M)", "In all (h)"]
        blocks += ["## By table", _markdown(human)]
    devices = ", ".join(sorted({one for cell in bill["device"] for one in cell.split(", ")}))
    blocks.append(
        f"Hours of one device ({devices}), training and validation; a job on two counts twice. "
        f"Paths are the chosen one, trained again, and its variants. Evaluations of test videos "
        f"are not counted. Tables share experiments, so their hours do not add up."
    )
    Path(path).write_text("\n\n".join(blocks) + "\n", encoding="utf-8")


def _sum(files: list[Path]) -> dict:
    costs = [read_json(path) for path in files]
    total = {key: sum(cost[key] for cost in costs) for key in COUNTS}
    return {
        "jobs": len(costs),
        "epochs": total["epochs"],
        "frames": total["frames_trained"] + total["frames_evaluated"],
        "seconds": total["seconds"],
        "device_hours": sum(c["seconds"] * _devices(c["device"]) for c in costs) / 3600,
        "device": ", ".join(sorted({re.sub(r"^\d+ x ", "", c["device"]) for c in costs})),
    }


def _devices(name: str) -> int:
    """How many they are: 2 of "2 x NVIDIA H100"."""
    several = re.match(r"(\d+) x ", name)
    return int(several[1]) if several else 1


def _hours(value: float) -> str:
    return "" if pd.isna(value) else digits(value)


def _markdown(table: pd.DataFrame) -> str:
    align = ("left", *["right"] * (table.shape[1] - 1))
    return table.to_markdown(index=False, colalign=align, disable_numparse=True)

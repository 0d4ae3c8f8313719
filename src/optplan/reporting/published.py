"""The optimisation paths that the paper's authors released, as plans that can be replayed.

python -m optplan.reporting.published     writes config/plans/ from config/published/
"""

import csv
from itertools import groupby
from pathlib import Path

import yaml

from optplan.planning.states import State

CONFIG = Path(__file__).parents[1] / "shipped"
LONG = 64  # frames from which the released recipe freezes BatchNorm and trains at a tenth
SAMPLINGS = {"consecutive": "cs", "uniform": "us"}


def released_plans() -> dict[str, dict]:
    """Plans of Figs. 4 and 5 by name, such as kinetics-400-from-imagenet."""
    settings = {row["dataset"]: row for row in published_rows("table2_settings.csv")}
    plans = {}
    for (dataset, initialisation), rows in groupby(
        published_rows("figures4_5_paths.csv"), lambda row: (row["dataset"], row["initialisation"])
    ):
        name = f"{dataset}-from-{initialisation}".lower()
        plans[name] = _plan(dataset, initialisation, list(rows), settings[dataset])
    return plans


def write_plans():
    """Write every released plan to config/plans/."""
    for name, plan in released_plans().items():
        text = yaml.safe_dump(plan, sort_keys=False, width=100)
        (CONFIG / "plans" / f"{name}.yaml").write_text(text)


def _plan(dataset: str, initialisation: str, rows: list[dict], settings: dict) -> dict:
    lengths = [int(settings[key]) for key in ("l1", "l2", "l3") if settings[key]]
    rates = [float(settings[key]) for key in ("r1", "r2", "r3")]
    sampling = SAMPLINGS[rows[0]["sampling"]]
    path = []
    for row in rows:
        frames, rate = int(row["frames"]), float(row["learning_rate"])
        unscaled = rate * 10 if frames >= LONG else rate
        index = min(range(len(rates)), key=lambda i: abs(rates[i] / unscaled - 1))
        path.append(
            {
                "state": State(sampling, lengths.index(frames) + 1, index + 1).name,
                "sampling": sampling,
                "frames": frames,
                "learning_rate": rate,
                "freeze_bn": frames >= LONG,
                "epochs": int(row["epochs"]),
            }
        )
    return {
        "source": f"released path of DG-P3D on {dataset}, initialised from {initialisation}",
        "sampling": sampling,
        "final": path[-1]["state"],
        "path": path,
        "states": {"clip_lengths": lengths, "learning_rates": rates},
        "training": {"freeze_bn_from": LONG, "frozen_rate_scale": 0.1},
    }


def published_rows(name: str) -> list[dict]:
    """The rows of a file of config/published, as texts."""
    with (CONFIG / "published" / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    write_plans()

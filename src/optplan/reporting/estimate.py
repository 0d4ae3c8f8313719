"""The plan as a table with its estimated cost, before anything is spent. Never imports torch."""

import csv
from collections.abc import Mapping
from pathlib import Path

from tabulate import tabulate

from optplan.config import graph, stage_settings, stopper_settings
from optplan.planning.strategies import HandTuned
from optplan.reporting.records import read_json
from optplan.simulated import TRAINING_SHARE
from optplan.video.official import facts

# Mean of a transition on six data sets, as the paper's cost of planning (Table 4) implies.
USUAL_EPOCHS = 35


def forecast(study: Mapping) -> str:
    """What the planning that is still to be done will cost; empty where there is none."""
    texts = []
    for name, settings in study["experiments"].items():
        folder = Path("results", study["study"], name)
        run = folder / f"seed-{study['seed']}"
        if settings["plan"] is None and not (run / "plan.yaml").exists():
            videos = planning_videos(settings["data"], folder / "data" / "split.tsv")
            texts.append(estimate(name, settings, videos, seconds_per_frame(run)))
    return "\n".join(texts)


def estimate(name: str, settings: Mapping, videos: int, seconds_per_frame: float | None) -> str:
    """Every state with its settings and the transitions into it, and what all of it may cost.

    `videos` are those that planning trains and validates on; each gives one clip an epoch.
    `seconds_per_frame` is measured on stages that have finished, None where there are none.
    """
    rows, expected, worst = [], _Cost(), _Cost()
    for state in graph(settings).states:
        stage = stage_settings(settings, state, name="", seed=0)
        incoming = graph(settings).incoming(state)
        for transition in incoming:
            stop = stopper_settings(settings, from_start=transition.source is None)
            usual = min(max(USUAL_EPOCHS, stop["min_epochs"]), stop["max_epochs"])
            expected.add(usual, usual * videos * stage["frames"])
            worst.add(stop["max_epochs"], stop["max_epochs"] * videos * stage["frames"])
        batch, micro = stage["batch_size"], stage["micro_batch"]
        rows.append(
            {
                "state": state.name,
                "frames": stage["frames"],
                "one in": stage["stride"] if state.sampling == "cs" else "-",
                "snippet": stage["snippet"] if state.sampling == "us" else "-",
                "learning rate": f"{stage['learning_rate']:g}",
                "batch": f"{micro} x {batch // micro}",
                "BatchNorm": "frozen" if stage["freeze_bn"] else "trained",
                "transitions": len(incoming),
            }
        )
    table = tabulate(rows, "keys", "simple", disable_numparse=True)
    count = sum(row["transitions"] for row in rows)
    strategies = sum(HandTuned.parse(strategy).epochs for strategy in settings["strategies"])
    return (
        f"Plan of {name}: {count} transitions between {len(rows)} states, {videos} videos\n\n"
        f"{table}\n\n"
        f"Usually about {expected.text(seconds_per_frame)}; "
        f"at most {worst.text(seconds_per_frame)}.\n"
        f"Then the chosen path is retrained, beside {strategies} epochs of hand-tuned strategies.\n"
    )


def planning_videos(data: Mapping, split: Path) -> int:
    """Training and validation videos: those of the split, or about as many before there is one."""
    if split.exists():
        with split.open(encoding="utf-8", newline="") as file:  # a name may have line ends
            rows = csv.DictReader(file, delimiter="\t")
            return sum(row["subset"] in ("train", "val") for row in rows)
    if data["format"] == "simulated":
        return (1 + TRAINING_SHARE) * data["validation_videos"]
    if data["format"] == "embedded":
        from optplan.video.embedded import CLASSES  # brings an encoder along

        return data["train_per_class"] * len(CLASSES[data["name"]])
    known = facts(data["format"])
    if known:
        return known["splits"][data["split"] - 1]["training"]
    root = Path(data["root"])
    train = root / "train"
    files = sum(path.is_file() for path in (train if train.is_dir() else root).rglob("*"))
    return files if train.is_dir() else round(files * (1 - data["test_fraction"]))


def seconds_per_frame(run: Path) -> float | None:
    """Measured on the transitions that have finished."""
    costs = [read_json(path) for path in run.glob("transitions/*/cost.json")]
    frames = sum(cost["frames_trained"] + cost["frames_evaluated"] for cost in costs)
    return sum(cost["seconds"] for cost in costs) / frames if frames else None


class _Cost:
    """Epochs, and frames trained and validated on."""

    def __init__(self):
        self.epochs, self.frames = 0, 0

    def add(self, epochs: int, frames: int):
        self.epochs, self.frames = self.epochs + epochs, self.frames + frames

    def text(self, seconds_per_frame: float | None) -> str:
        text = f"{self.epochs} epochs, {self.frames / 1e6:.3g} million frames"
        if seconds_per_frame is None:
            return text
        return f"{text}, {self.frames * seconds_per_frame / 3600:.2g} h on one device"

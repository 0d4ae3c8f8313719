"""The plan as a table with its estimated cost, before anything is spent. Never imports torch."""

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from tabulate import tabulate

from optplan.config import graph, stage_settings, stopper_settings
from optplan.paper import PAPER, paper_files, plan_files, result_files
from optplan.places import needed, place_names, waiting
from optplan.planning.strategies import HandTuned, stage_tree
from optplan.reporting.records import digits, read_json
from optplan.simulated import TRAINING_SHARE
from optplan.video.official import facts

# Mean of a transition on six data sets, as the paper's cost of planning (Table 4) implies.
USUAL_EPOCHS = 35
# One of the paper's GPUs on DG-P3D with ResNet-50: its Table 4 has 288 h on eight for Kinetics-400.
PAPER_FRAMES_PER_SECOND, PAPER_GPUS = 1300, 8
MANY = 3  # experiments from which on each gets one line


def forecast(study: Mapping, asked: Iterable[str] = ()) -> str:
    """What is still to be done for the targets `asked`, or for all, and what it will cost."""
    missing = waiting(study)
    ahead = {name: settings for name in _asked(study, asked) if (settings := _ahead(study, name))}
    if len(ahead) >= MANY:
        return _overview(study, ahead, missing)
    texts = []
    for name, settings in ahead.items():
        run = _run(study, name)
        if settings["plan"] is None:
            videos = planning_videos(settings["data"], run.parent / "data" / "split.tsv")
            texts.append(estimate(name, settings, videos, seconds_per_frame(run)))
        if name in missing:
            texts.append(f"{name} waits for the folder {missing[name]}.\n")
    return "\n".join(texts)


def _asked(study: Mapping, asked: Iterable[str]) -> list[str]:
    """The experiments that targets of the paper, such as table3, need; all where none is asked."""
    targets = [target for target in asked if target in PAPER]
    if not targets:
        return list(study["experiments"])
    names = []
    for target in targets:
        files = {Path(file).stem for file in paper_files(study, target)} | {target}
        files |= {"table1"} if target == "fig2" else set()
        for table in files & study["tables"].keys():
            names += place_names(table, study["tables"][table])
    return needed(study, names)


def _run(study: Mapping, name: str) -> Path:
    seed = study["experiments"][name]["seeds"][0]
    return Path("results", study["study"], name, f"seed-{seed}")


def _ahead(study: Mapping, name: str) -> dict | None:
    """The settings of an experiment with those of its seeds that are still to be done, if any are.

    A seed is done when it has its plan; where a plan is replayed, when it has its results.
    """
    settings = study["experiments"][name]
    seeds = []
    for seed in settings["seeds"]:
        one = {**study, "experiments": {name: settings | {"seeds": [seed]}}}
        replays = settings["plan"] is not None
        files = result_files(one, [name], strategies=True) if replays else plan_files(one, [name])
        if not all(Path(file).exists() for file in files):
            seeds.append(seed)
    return settings | {"seeds": seeds} if seeds else None


def _overview(study: Mapping, ahead: Mapping[str, dict], missing: Mapping[str, str]) -> str:
    """One line for each experiment, what it costs and what it waits for."""
    rows, total = [], 0.0
    for name, settings in ahead.items():
        run = _run(study, name)
        split = run.parent / "data" / "split.tsv"
        absent = settings["data"]["format"] == "folder" and name in missing
        videos = 0 if absent else planning_videos(settings["data"], split)
        planning = _planning_cost(settings, videos) if settings["plan"] is None else _Cost()
        grid = _grid_cost(settings, videos)
        seeds = len(settings["seeds"])
        frames = seeds * (planning.frames + grid.frames)
        rate = seconds_per_frame(run)
        if rate is None and facts(settings["data"]["format"]) is not None:
            rate = 1 / (PAPER_FRAMES_PER_SECOND * PAPER_GPUS)
        hours = "" if rate is None else digits(frames * rate / 3600)
        total += 0 if rate is None else frames * rate / 3600
        rows.append(
            {
                "experiment": name,
                "videos": str(videos or ""),
                "seeds": str(seeds),
                "planning (epochs)": str(planning.epochs or "replays"),
                "hand-tuned (epochs)": str(grid.epochs or ""),
                "frames (M)": f"{frames / 1e6:,.0f}" if frames > 1e8 else digits(frames / 1e6),
                "hours": hours,
                "waits for": missing.get(name, ""),
            }
        )
    align = ("left", *["right"] * 6, "left")
    table = tabulate(rows, "keys", "simple", colalign=align, disable_numparse=True)
    if not total:
        return f"{table}\n"
    return (
        f"{table}\n\n"
        f"In all about {digits(total)} h, besides retraining the chosen paths. Hours are those of "
        f"finished transitions here; on official sets before that, of {PAPER_GPUS} GPUs with the "
        f"paper's network.\n"
    )


def _planning_cost(settings: Mapping, videos: int) -> "_Cost":
    """What all transitions usually take."""
    cost = _Cost()
    for transition in graph(settings).transitions:
        stage = stage_settings(settings, transition.target, name="", seed=0)
        epochs = _usual_epochs(settings, from_start=transition.source is None)
        cost.add(epochs, epochs * videos * stage["frames"])
    return cost


def _grid_cost(settings: Mapping, videos: int) -> "_Cost":
    """What the hand-tuned strategies take, equal beginnings trained once."""
    cost, lengths = _Cost(), settings["states"]["clip_lengths"]
    for shared in stage_tree(map(HandTuned.parse, settings["strategies"])):
        epochs = shared.stage.epochs
        cost.add(epochs, epochs * videos * lengths[shared.stage.length - 1])
    return cost


def _usual_epochs(settings: Mapping, *, from_start: bool) -> int:
    stop = stopper_settings(settings, from_start=from_start)
    return min(max(USUAL_EPOCHS, stop["min_epochs"]), stop["max_epochs"])


def estimate(name: str, settings: Mapping, videos: int, seconds_per_frame: float | None) -> str:
    """Every state with its settings and the transitions into it, and what all of it may cost.

    That is for all seeds together. `videos` are those that planning trains and validates on; each
    gives one clip an epoch. `seconds_per_frame` is measured on stages that have finished, None
    where there are none.
    """
    rows, expected, worst = [], _Cost(), _Cost()
    seeds = len(settings["seeds"])
    for state in graph(settings).states:
        stage = stage_settings(settings, state, name="", seed=0)
        incoming = graph(settings).incoming(state)
        for transition in incoming:
            stop = stopper_settings(settings, from_start=transition.source is None)
            usual = _usual_epochs(settings, from_start=transition.source is None)
            for cost, epochs in ((expected, usual), (worst, stop["max_epochs"])):
                cost.add(seeds * epochs, seeds * epochs * videos * stage["frames"])
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
    repeated = f", {seeds} seeds" if seeds > 1 else ""
    title = f"{count} transitions between {len(rows)} states, {videos} videos{repeated}"
    strategies = seeds * _grid_cost(settings, videos).epochs
    return (
        f"Plan of {name}: {title}\n\n"
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
    if not (root / "train").is_dir():
        return round(_files(root) * (1 - data["test_fraction"]))
    given = ("train", "val", "validation") if (root / "test").is_dir() else ("train",)
    return sum(_files(root / name) for name in given)


def _files(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


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

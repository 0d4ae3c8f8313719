"""The jobs of the workflow that need torch: files in, files out."""

import hashlib
import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from optplan.config import clip_spec, stage_settings, stopper_settings
from optplan.locks import held
from optplan.networks.inflate import inflate_state_dict, read_imagenet_weights
from optplan.networks.zoo import build_network
from optplan.planning.knee import KneeStopper
from optplan.planning.states import START, State, Transition
from optplan.planning.strategies import HandTuned, StageSpec
from optplan.progress import Reporter
from optplan.reporting.records import read_json
from optplan.study import model_file, read_plan, read_record
from optplan.training.evaluation import score_videos, top_k
from optplan.training.snapshots import Snapshots, load, save, write_bytes
from optplan.training.stage import Result, train_stage
from optplan.video.clips import TrainingClips, ViewClips
from optplan.video.frames import FrameStore, VideoFiles
from optplan.video.index import read_table

TRAINING, ORIGINAL_TRAINING = ("train",), ("train", "val")


def initialise(split: str, settings: dict, *, seed: int, output: str):
    """The initial model S_0: random weights, or a 2D ResNet's inflated (Sec. 4)."""
    torch.manual_seed(seed)
    network = _network(settings, read_table(split))
    weights = settings["network"]["weights"]
    if weights is not None:
        file = None if weights == "imagenet" else weights
        inflate_state_dict(network, read_imagenet_weights(settings["network"]["body"], file))
    save(network.state_dict(), Path(output))


def run_transition(inputs, settings: dict, *, source: str, target: str, seed: int, outputs, log):
    """Train one transition to its knee and write curve, knee, weights and cost (Sec. 3.3)."""
    _check_source(inputs, source)
    transition = Transition.parse(f"{source}--{target}")
    state, from_start = transition.target, source == START
    stage = stage_settings(settings, state, name=transition.name, seed=seed)
    rivals = [read_json(path) for path in inputs.get("rivals", [])]
    rival = max((knee["fitted"] for knee in rivals), default=None)
    stopping = stopper_settings(settings, from_start=from_start, rival=rival)
    folder = Path(outputs.knee).parent
    clips = _Clips(inputs, settings, state)
    network = _network(settings, clips.table)
    network.load_state_dict(load(inputs.weights))
    reporter = Reporter(transition.name, run=folder.parents[1], log=log, settings=settings)
    with held(folder / "work.lock"):
        snapshots = Snapshots(folder / "work", _identity(settings, stage, inputs) | stopping)
        result = train_stage(
            network,
            clips.training(TRAINING, stage["seed"]),
            clips.validation(),
            stage,
            snapshots=snapshots,
            stopper=KneeStopper(**stopping),
            from_start=from_start,
            device=_device(),
            workers=settings["training"]["workers"],
            report=reporter.epoch,
        )
        decision = asdict(result.decision)
        knee = {
            "transition": transition.name,
            "source": source,
            "target": target,
            "epochs": result.epochs,
            "trained_epochs": result.cost["epochs"],
            "frames": result.cost["frames_trained"] + result.cost["frames_evaluated"],
            **{k: decision[k] for k in ("fitted", "observed", "residual_std", "identified")},
            "rival": rival,
            "upper": decision["upper"],
            "reason": decision["reason"],
            "fit": decision["fit"],
        }
        _write(result, snapshots, outputs)
        write_bytes(_json(knee), Path(outputs.knee))
    reporter.finished(knee)


def run_stage(inputs, settings: dict, *, strategy: str, number: int, seed: int, outputs, log):
    """Train stage `number` (from 1) of a strategy on the whole original training set."""
    spec, epochs = _stage_of(strategy, number, inputs)
    stage = stage_settings(settings, spec, name=f"{strategy}/{number}", seed=seed, epochs=epochs)
    folder = Path(outputs.weights).parent
    clips = _Clips(inputs, settings, spec)
    network = _network(settings, clips.table)
    network.load_state_dict(load(inputs.weights))
    reporter = Reporter(f"{strategy}, stage {number}", run=folder.parents[2], log=log)
    with held(folder / "work.lock"):
        snapshots = Snapshots(folder / "work", _identity(settings, stage, inputs))
        result = train_stage(
            network,
            clips.training(ORIGINAL_TRAINING, stage["seed"]),
            None,
            stage,
            snapshots=snapshots,
            device=_device(),
            workers=settings["training"]["workers"],
            report=reporter.epoch,
        )
        _write(result, snapshots, outputs)


def run_evaluation(inputs, settings: dict, *, strategy: str, outputs):
    """Score the test videos with the second inference strategy: many clips, three crops."""
    spec = _last_state(strategy, inputs, settings)
    video = settings["video"]
    clips = _Clips(inputs, settings, spec)
    network = _network(settings, clips.table)
    network.load_state_dict(load(inputs.weights))
    views = clips.views(
        ("test",),
        short_side=video["evaluation_short_side"],
        crop=video["evaluation_crop"],
        num_clips=video["evaluation_clips"],
        num_crops=video["evaluation_crops"],
    )
    device = _device()
    scores, targets = score_videos(
        network.to(device),
        views,
        device=device,
        batch_size=2 * settings["training"]["micro_batch"],
        workers=settings["training"]["workers"],
    )
    np.savez(outputs.scores, scores=scores, targets=targets)
    metrics = {
        "strategy": strategy,
        "top1": top_k(scores, targets, 1),
        "top5": top_k(scores, targets, min(5, scores.shape[1])),
        "videos": len(targets),
        "clips": video["evaluation_clips"],
        "crops": video["evaluation_crops"],
    }
    write_bytes(_json(metrics), Path(outputs.metrics))


class _Clips:
    """The clips of one state's sampling and length, from the videos or the decoded frames."""

    def __init__(self, inputs, settings: dict, state: State | StageSpec):
        self.table = read_table(inputs.split)
        self.video = settings["video"]
        self.spec = clip_spec(settings, state.sampling, state.length)
        store = FrameStore if settings["data"]["cache"] else VideoFiles
        self.source = store(inputs.videos, self.table)

    def training(self, subsets: tuple[str, ...], seed: int) -> TrainingClips:
        return TrainingClips(
            self.source,
            self.table,
            self._rows(subsets),
            self.spec,
            short_side=self.video["short_side"],
            crop=self.video["crop"],
            flip=self.video["flip"],
            seed=seed,
        )

    def validation(self) -> ViewClips:
        return self.views(
            ("val",), short_side=self.video["planning_short_side"], crop=self.video["crop"]
        )

    def views(self, subsets: tuple[str, ...], **views) -> ViewClips:
        return ViewClips(self.source, self.table, self._rows(subsets), self.spec, **views)

    def _rows(self, subsets: tuple[str, ...]) -> np.ndarray:
        return np.flatnonzero(self.table["subset"].isin(subsets))


def _network(settings: dict, table) -> torch.nn.Module:
    network = settings["network"]
    return build_network(
        network["name"],
        network["body"],
        num_classes=int(table["target"].max()) + 1,
        dropout=network["dropout"],
    )


def _stage_of(strategy: str, number: int, inputs) -> tuple[State | StageSpec, int]:
    if strategy == "planned":
        step = read_plan(inputs.plan)["path"][number - 1]
        return State.parse(step["state"]), step["epochs"]
    stage = HandTuned.parse(strategy).stages[number - 1]
    return stage, stage.epochs


def _last_state(strategy: str, inputs, settings: dict) -> State | StageSpec:
    """The setting that a strategy ends with; its clips are those that the evaluation uses."""
    if strategy == "planned":
        return State.parse(read_plan(inputs.plan)["final"])
    return HandTuned.parse(strategy).stages[-1]


def _check_source(inputs, source: str):
    """The weights given are those that the source state's record points to."""
    if source == START:
        return
    record = read_record(inputs.record)
    run = str(Path(inputs.record).parents[1])
    expected = model_file(run, inputs.record)
    if record["state"] != source or Path(expected) != Path(inputs.weights):
        raise ValueError(
            f"the transition from {source} was given {inputs.weights}, but {inputs.record} "
            f"(state {record['state']}) points to {expected}"
        )


def _identity(settings: dict, stage: dict, inputs) -> dict:
    """What a half-trained stage must agree on to be continued."""
    return {
        "stage": stage,
        "network": settings["network"],
        "video": settings["video"],
        "weights": _digest(inputs.weights),
        "split": _digest(inputs.split),
    }


def _digest(path) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(result: Result, snapshots: Snapshots, outputs):
    snapshots.finish(result.epochs, result.curve, result.cost)
    snapshots.export(result.epochs, Path(outputs.weights))
    lines = "".join(json.dumps(entry) + "\n" for entry in result.curve)
    write_bytes(lines.encode(), Path(outputs.curve))
    cost = {**result.cost, "device": _device_name()}
    write_bytes(_json(cost), Path(outputs.cost))


def _json(value) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"

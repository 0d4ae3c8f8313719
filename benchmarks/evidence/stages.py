"""Stages of real networks, trained as far as any method asks for and never twice."""

import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from optplan.config import stage_settings
from optplan.planning.states import State
from optplan.planning.strategies import StageSpec
from optplan.training.devices import Rank
from optplan.training.evaluation import score_videos, top_k
from optplan.training.material import JobClips, job_network
from optplan.training.steps import Steps
from optplan.video.index import read_table

TRAINING, ORIGINAL_TRAINING = ("train",), ("train", "val")


@dataclass(frozen=True, slots=True)
class Model:
    """A file of weights, and the stages they come from: the same history has the same weights."""

    history: tuple[str, ...]
    weights: Path


@dataclass(slots=True)
class Cost:
    """What a method has trained and validated on, as if it had the machine for itself."""

    epochs: int = 0
    frames: int = 0
    seconds: float = 0.0

    def add(self, other: "Cost"):
        self.epochs += other.epochs
        self.frames += other.frames
        self.seconds += other.seconds


class Trainer:
    """Trains one network on one set with one seed.

    Args:
        folder: for the weights of every epoch.
        inputs: with `split` and `videos`, as of a job of the workflow.
        settings: of the experiment.
        subsets: the videos to train on.
        scored: whether every epoch is scored on the validation videos.
    """

    def __init__(
        self, folder: Path, inputs, settings: dict, seed: int, *, subsets: tuple, scored=False
    ):
        self.folder, self.inputs, self.settings = Path(folder), inputs, settings
        self.seed, self.subsets, self.scored = seed, subsets, scored
        self.folder.mkdir()
        self.kept = 0
        self.runs: dict[tuple, Run] = {}
        torch.manual_seed(seed)
        table = read_table(inputs.split)
        self.num_videos = int(table["subset"].isin(subsets).sum())
        network = job_network(settings, table)
        self.initial = self.keep((), network)

    def keep(self, history: tuple[str, ...], network) -> Model:
        """The network as it is now."""
        self.kept += 1
        path = self.folder / f"{self.kept}.pt"
        torch.save(network.state_dict(), path)
        return Model(history, path)

    def run(self, model: Model, stage: State | StageSpec) -> "Run":
        key = (*model.history, stage.name)
        if key not in self.runs:
            self.runs[key] = Run(self, model, stage)
        return self.runs[key]

    def epochs(self, model: Model, state: State, cost: Cost) -> Iterator[tuple[float, Model]]:
        """The `train` of `optplan.planning.search`; what is drawn from it is added to `cost`."""
        run = self.run(model, state)
        for epoch in itertools.count():
            run.train_until(epoch)
            cost.epochs += epoch > 0
            cost.frames += run.frames[epoch]
            cost.seconds += run.seconds[epoch]
            yield run.scores[epoch], run.models[epoch]

    def path(self, stages: list[tuple[State | StageSpec, int]], cost: Cost) -> Model:
        """The initial model after these stages and epochs; unscored."""
        model = self.initial
        for stage, epochs in stages:
            run = self.run(model, stage)
            run.train_until(epochs)
            cost.epochs += epochs
            cost.frames += sum(run.frames[: epochs + 1])
            cost.seconds += sum(run.seconds[: epochs + 1])
            model = run.models[epochs] if epochs else model
        return model

    def validate(self, model: Model, stage: State | StageSpec, cost: Cost) -> float:
        """Top-1 of the model on the validation videos, with clips of that stage."""
        clips = JobClips(self.inputs, self.settings, stage)
        network, views = job_network(self.settings, clips.table, model.weights), clips.validation()
        cost.frames += len(views) * clips.spec.length
        return top_k(*score_videos(network, views, batch_size=_batch(self.settings)))

    def right(self, model: Model, stage: State | StageSpec) -> str:
        """A digit for each test video: whether the model is right, with clips of that stage."""
        video, clips = self.settings["video"], JobClips(self.inputs, self.settings, stage)
        network = job_network(self.settings, clips.table, model.weights)
        views = clips.views(
            ("test",),
            short_side=video["evaluation_short_side"],
            crop=video["evaluation_crop"],
            num_clips=video["evaluation_clips"],
            num_crops=video["evaluation_crops"],
        )
        scores, targets = score_videos(network, views, batch_size=_batch(self.settings))
        return "".join(str(int(one)) for one in scores.argmax(1) == targets)


class Run:
    """One stage from one model: scores, models, frames and seconds of epochs 0, 1, 2, ..."""

    def __init__(self, trainer: Trainer, model: Model, stage: State | StageSpec):
        settings, self.scored = trainer.settings, trainer.scored
        clips = JobClips(trainer.inputs, settings, stage)
        network = job_network(settings, clips.table, model.weights)
        name = "+".join([*model.history, stage.name])
        epochs = getattr(stage, "epochs", None)
        own = stage_settings(settings, stage, name=name, seed=trainer.seed, epochs=epochs)
        training = clips.training(trainer.subsets, own["seed"])
        self.validation = clips.validation() if self.scored else None
        self.network, self.trainer, self.base, self.stage = network, trainer, model, stage
        self.steps = Steps(network, training, own, rank=Rank(), workers=0, compiled=False)
        self.length, self.num_training = clips.spec.length, len(training)
        self.scores, self.models, self.frames, self.seconds = [], [], [], []
        self.curve: list[dict] = []  # training losses, from epoch 1

    def train_until(self, epoch: int):
        while len(self.models) <= epoch:
            self._next(len(self.models))

    def _next(self, epoch: int):
        began, frames = time.perf_counter(), 0
        if epoch:
            loss, _ = self.steps.train_epoch(epoch)
            self.curve.append({"epoch": epoch, "loss": loss})
            frames += self.num_training * self.length
        score = 0.0
        if self.scored and (epoch or self.base.history):  # initial weights count as 0
            batch = _batch(self.trainer.settings)
            score = top_k(*score_videos(self.network, self.validation, batch_size=batch))
            frames += len(self.validation) * self.length
        history = (*self.base.history, f"{self.stage.name}@{epoch}") if epoch else self.base.history
        self.scores.append(score)
        self.models.append(self.trainer.keep(history, self.network))
        self.frames.append(frames)
        self.seconds.append(time.perf_counter() - began)


def _batch(settings: dict) -> int:
    return 2 * settings["training"]["micro_batch"]

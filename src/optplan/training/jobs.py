"""The jobs of the workflow that train networks: files in, files out."""

import hashlib
from pathlib import Path

import numpy as np
import torch

from optplan.assignments import (
    Stage,
    best_rival,
    check_source,
    final_weights,
    last_state,
    variant_transition,
)
from optplan.config import stage_settings, stopper_settings
from optplan.files import write_json, write_lines
from optplan.locks import held
from optplan.networks.custom import CustomNetwork
from optplan.networks.weights import imagenet_file, load_initial_weights
from optplan.planning.knee import KneeStopper
from optplan.planning.metric import METRICS
from optplan.planning.search import candidate
from optplan.planning.states import Transition
from optplan.progress import Reporter
from optplan.training.devices import Rank, device_name, launch
from optplan.training.evaluation import score_videos, top_k
from optplan.training.material import JobClips, job_network
from optplan.training.snapshots import Snapshots, save
from optplan.training.stage import Result, recent_loss, train_stage
from optplan.video.index import read_table

TRAINING, ORIGINAL_TRAINING = ("train",), ("train", "val")


def initialise(inputs, settings: dict, *, seed: int, output: str):
    """The initial model S_0: random weights, a 2D ResNet's inflated (Sec. 4), or a checkpoint."""
    torch.manual_seed(seed)
    network = job_network(settings, read_table(inputs.split))
    if isinstance(network, CustomNetwork):
        network.try_out(
            frames=settings["states"]["clip_lengths"][0], size=settings["video"]["crop"]
        )
    weights = settings["network"]["weights"]
    if weights == "imagenet":
        weights = imagenet_file(settings["network"]["body"])
    if weights is not None:
        load_initial_weights(network, Path(weights))
    save(network.state_dict(), Path(output))


def run_transition(inputs, settings: dict, *, source: str, target: str, seed: int, outputs, log):
    """Train one transition to its knee and write curve, knee, weights and cost (Sec. 3.3)."""
    check_source(inputs, source)
    transition = Transition.parse(f"{source}--{target}")
    with held(Path(outputs.knee).with_name("work.lock")):
        names = transition.name, seed
        launch(_train_to_knee, settings, inputs, transition, *names, outputs, log)


def run_variant(inputs, settings: dict, *, variant: str, number: int, seed: int, outputs, log):
    """The same for stage `number` (from 1) of a variant path (Sec. 5.4)."""
    transition = variant_transition(inputs, settings, variant, number)
    with held(Path(outputs.knee).with_name("work.lock")):
        names = f"{variant}/{number}", seed
        launch(_train_to_knee, settings, inputs, transition, *names, outputs, log)


def run_stage(inputs, settings: dict, *, stage: Stage, seed: int, outputs, log):
    """Train a stage of a strategy on the whole original training set."""
    with held(Path(outputs.cost).with_name("work.lock")):
        launch(_train_for_epochs, settings, inputs, stage, seed, outputs, log)


def run_evaluation(inputs, settings: dict, *, strategy: str, outputs):
    """Score the test videos with the second inference strategy: many clips, three crops."""
    launch(_evaluate, settings, inputs, strategy, outputs)


def _train_to_knee(rank: Rank, settings, inputs, transition: Transition, name, seed, outputs, log):
    from_start = transition.source is None
    stage = stage_settings(settings, transition.target, name=name, seed=seed)
    rival = best_rival(inputs)
    stopping = stopper_settings(settings, from_start=from_start, rival=rival)
    metric = METRICS[settings["knee"]["metric"]]
    folder = Path(outputs.knee).parent
    clips = JobClips(inputs, settings, transition.target)
    counted = settings if name == transition.name else None
    identity = _identity(settings, stage, inputs.split, inputs.weights)
    snapshots = Snapshots(folder / "work", identity | stopping | metric.mark)
    kept = snapshots.folder / "epochs.log"
    lines = {"log": log, "kept": kept, "settings": counted, "metric": metric}
    reporter = Reporter(name, run=folder.parents[1], **lines)
    result = train_stage(
        job_network(settings, clips.table, inputs.weights),
        clips.training(TRAINING, stage["seed"]),
        clips.validation(),
        stage,
        snapshots=snapshots,
        stopper=KneeStopper(**stopping),
        metric=metric,
        from_start=from_start,
        rank=rank,
        **_computing(settings),
        report=reporter.epoch,
        progress=reporter.clips,
    )
    if rank.first:
        assert result.decision is not None  # there was a stopper
        found = candidate(transition, result.decision)
        frames = result.cost["frames_trained"] + result.cost["frames_evaluated"]
        loss = recent_loss(result.curve, result.epochs) if result.epochs else None
        _write(rank, result, snapshots, outputs)
        more = {"rival": rival, "frames": frames, "loss": loss}
        write_json(found | more | metric.mark, outputs.knee)
        reporter.finished(found)


def _train_for_epochs(rank: Rank, settings, inputs, job: Stage, seed, outputs, log):
    stage = stage_settings(settings, job.setting, name=job.name, seed=seed, epochs=job.epochs)
    clips = JobClips(inputs, settings, job.setting)
    identity = _identity(settings, stage, inputs.split, job.weights)
    identity |= {"ends": list(job.ends), "loss": job.loss}
    snapshots = Snapshots(Path(outputs.cost).with_name("work"), identity)
    kept = snapshots.folder / "epochs.log"
    reporter = Reporter(job.name, run=Path(log).parents[1], log=log, kept=kept)
    result = train_stage(
        job_network(settings, clips.table, job.weights),
        clips.training(ORIGINAL_TRAINING, stage["seed"]),
        None,
        stage,
        snapshots=snapshots,
        loss=job.loss,
        rank=rank,
        **_computing(settings),
        report=reporter.epoch,
        progress=reporter.clips,
    )
    if rank.first:
        _write(rank, result, snapshots, outputs, job.ends)


def _evaluate(rank: Rank, settings, inputs, strategy: str, outputs):
    video = settings["video"]
    clips = JobClips(inputs, settings, last_state(strategy, inputs))
    network = job_network(settings, clips.table, final_weights(strategy, inputs))
    views = clips.views(
        ("test",),
        short_side=video["evaluation_short_side"],
        crop=video["evaluation_crop"],
        num_clips=video["evaluation_clips"],
        num_crops=video["evaluation_crops"],
    )
    scores, targets = score_videos(
        network.to(rank.device),
        views,
        batch_size=settings["training"]["micro_batch"],
        rank=rank,
        workers=settings["compute"]["workers"],
    )
    if not rank.first:
        return
    videos = clips.table["video"].to_numpy(dtype=str)[views.rows]
    np.savez(outputs.scores, scores=scores, targets=targets, videos=videos)
    metrics = {
        "strategy": strategy,
        "top1": top_k(scores, targets, 1),
        "top5": top_k(scores, targets, min(5, scores.shape[1])),
        "videos": len(targets),
        "clips": video["evaluation_clips"],
        "crops": video["evaluation_crops"],
    }
    write_json(metrics, outputs.metrics)


def _identity(settings: dict, stage: dict, split, weights) -> dict:
    """What a half-trained stage must agree on to be continued."""
    return {
        # How many clips are passed through at a time depends on the memory that there is.
        "stage": {key: value for key, value in stage.items() if key != "micro_batch"},
        "network": settings["network"],
        "video": settings["video"],
        "weights": _digest(weights),
        "split": _digest(split),
    }


def _digest(path) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _computing(settings: dict) -> dict:
    compute = settings["compute"]
    return {"workers": compute["workers"], "compiled": compute["compile"]}


def _write(rank: Rank, result: Result, snapshots: Snapshots, outputs, ends=()):
    snapshots.finish(result.epochs, result.curve, result.cost, keep=ends)
    for epoch in ends:
        Path(outputs.weights).mkdir(parents=True, exist_ok=True)
        snapshots.export(epoch, Path(outputs.weights, f"{epoch}.pt"))
    if not ends:
        snapshots.export(result.epochs, Path(outputs.weights))
    write_lines(result.curve, outputs.curve)
    write_json({**result.cost, "device": device_name(rank)}, outputs.cost)

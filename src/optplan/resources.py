"""What jobs ask of a cluster: CPUs, GPUs, memory, time. Never imports torch."""

import functools
import math
from collections.abc import Mapping
from pathlib import Path

from optplan.planning.states import State
from optplan.planning.strategies import HandTuned
from optplan.reporting.estimate import USUAL_EPOCHS, planning_videos, seconds_per_frame

MAX_MINUTES = 24 * 60  # a job that is cut off goes on from its last epoch in the next one
STARTING_MINUTES = 15
SAFETY = 2
CPU_SECONDS_PER_PIXEL = 2.5e-6  # DG-P3D with ResNet-50 (benchmarks/README.md)
DECODING_SECONDS = 0.006  # of a frame, which on a GPU takes longer than the training
BYTES_PER_PIXEL = 1600  # of the network's activations, likewise
WORKER_MB = 1000  # a process that decodes
VIDEO_FRAMES = 300  # 10 s
# Of 720 x 1280 px, decoded and compared, or encoded; flow at 256 px (benchmarks/README.md).
FRAME_SECONDS = {"audit": 0.01, "prepare": 0.01, "tvl1": 0.25, "dis": 0.02}
WAITING_BATCHES = 4  # of a decoder: clips of one, the same stacked, and two that wait


def cpus(settings: Mapping) -> int:
    """Those of the job's processes and of their decoders."""
    compute = settings["compute"]
    return compute["processes"] * (compute["threads"] + compute["workers"])


def memory_mb(settings: Mapping, *, gpus: bool, attempt: int = 1) -> int:
    """Memory of the longest clips; what ran out of it gets as much again with every attempt."""
    compute, training = settings["compute"], settings["training"]
    if settings["data"]["format"] == "simulated":
        return 1000 * attempt
    pixels = training["micro_batch"] * _frames(settings) * settings["video"]["crop"] ** 2
    process = 6000 if gpus else 2000 + pixels * BYTES_PER_PIXEL // 1_000_000
    decoder = WORKER_MB + WAITING_BATCHES * 3 * pixels // 1_000_000
    return compute["processes"] * (process + decoder * compute["workers"]) * attempt


def videos_memory_mb(workers: int, *, attempt: int = 1) -> int:
    """Memory of a job that reads all videos with so many processes."""
    return WORKER_MB * (1 + workers) * attempt


def videos_minutes(
    settings: Mapping, folder: str, work: str, *, workers: int, attempt: int = 1
) -> int:
    """Time for reading all videos once.

    `folder` is the experiment's, results/<study>/<experiment>; `work` a key of FRAME_SECONDS.
    """
    frames = VIDEO_FRAMES * _videos(settings, Path(folder))
    return _limited(frames * FRAME_SECONDS[work] / workers, attempt)


def training_minutes(
    settings: Mapping, run: str, target: str | None, *, gpus: bool, attempt: int = 1
) -> int:
    """SAFETY times what twice the usual epochs of a transition into the state `target` take.

    Without a target, that of a stage of a strategy, none of which is longer than the longest one.
    """
    epochs, length = 2 * USUAL_EPOCHS, 0
    if target is not None:
        epochs = min(epochs, settings["knee"]["max_epochs"])
        length = State.parse(target).length
    else:
        epochs = max([epochs, *(HandTuned.parse(name).epochs for name in settings["strategies"])])
    frames = epochs * _videos(settings, Path(run).parent) * _frames(settings, length)
    return _minutes(frames, settings, run, gpus, attempt)


def evaluation_minutes(settings: Mapping, run: str, *, gpus: bool, attempt: int = 1) -> int:
    """Time for the test videos, of which there are about as many as of the others."""
    video = settings["video"]
    views = video["evaluation_clips"] * video["evaluation_crops"]
    frames = views * _videos(settings, Path(run).parent) * _frames(settings)
    return _minutes(frames, settings, run, gpus, attempt)


def _minutes(frames: int, settings: Mapping, run: str, gpus: bool, attempt: int) -> int:
    seconds = seconds_per_frame(Path(run)) or _usual_seconds_per_frame(settings, gpus)
    return _limited(frames * seconds, attempt)


def _limited(seconds: float, attempt: int) -> int:
    """Minutes for what should take `seconds`."""
    minutes = STARTING_MINUTES + math.ceil(SAFETY * seconds / 60)
    return min(minutes * attempt, MAX_MINUTES)


def _usual_seconds_per_frame(settings: Mapping, gpus: bool) -> float:
    """For as long as no transition has finished."""
    compute = settings["compute"]
    if settings["data"]["format"] == "simulated":
        return 0.0
    if gpus:
        seconds = DECODING_SECONDS / max(compute["workers"], 1)
    else:
        seconds = CPU_SECONDS_PER_PIXEL * settings["video"]["crop"] ** 2 / compute["threads"]
    return seconds / compute["processes"]


def _frames(settings: Mapping, length: int = 0) -> int:
    """Frames of the clips of `length`, from 1; of the longest ones without it."""
    return settings["states"]["clip_lengths"][length - 1]


def _videos(settings: Mapping, folder: Path) -> int:
    split = folder / "data" / "split.tsv"
    keys = ("format", "name", "split", "root", "test_fraction", "train_per_class")
    data = tuple((key, settings["data"][key]) for key in (*keys, "validation_videos"))
    return _counted(data, split, split.exists())


@functools.cache
def _counted(data: tuple, split: Path, exists: bool) -> int:
    return planning_videos(dict(data), split)

"""Optical flow is the most expensive thing here: computed once, in parallel, and kept as videos."""

import os
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas as pd

from optplan.video.audit import run_limited
from optplan.video.decoding import iterate_frames
from optplan.video.flow import to_levels, to_picture

METHODS = ("tvl1", "dis")

# A pyramid of factor 0.5 follows motions that OpenCV's 0.8 loses; with it and a tolerance of 0.05
# (not 0.01) flow takes a tenth of the time, and the error grows by less than that of storing 8
# bits: benchmarks/README.md.
TVL1: dict[str, Any] = {"scaleStep": 0.5, "epsilon": 0.05}

MIN_SIDE = 16  # px; OpenCV's DIS crashes on some smaller sizes

CRF = 12  # of H.264: benchmarks/README.md


def extract_flow(
    table: pd.DataFrame,
    root: str | Path,
    folder: str | Path,
    *,
    method: str,
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the flow of every video of the `flow_table` below `root` that `folder` does not have.

    `workers` processes share the videos. `progress(done, total)` counts the frames of those that
    had to be done. Raises ValueError that names the video if one is too small, cannot be read any
    more, or is not what the audit found; what is finished stays.
    """
    small = table[table[["height", "width"]].min(axis=1) < MIN_SIDE]
    if len(small):
        video, height, width = small.iloc[0][["video", "height", "width"]]
        raise ValueError(
            f"there is no flow of frames narrower or lower than {MIN_SIDE} pixels, such as the "
            f"{width} x {height} pixels of {video}; leave out the {len(small)} videos of this kind"
        )
    for unfinished in Path(folder).rglob("*.partial"):
        unfinished.unlink()
    jobs = [
        (Path(root, r["video"]), Path(folder, r["flow"]), r["frames"], (r["height"], r["width"]))
        for r in table.drop_duplicates("flow").to_dict("records")
        if not Path(folder, r["flow"]).exists()
    ]
    total, done = sum(frames for _, _, frames, _ in jobs), 0
    write = partial(write_flow, method=method)
    outcomes = run_limited(write, jobs, workers=workers, timeout_seconds=None)
    for number, problem in outcomes:
        video, _, frames, _ = jobs[number]
        if problem is not None:
            raise ValueError(f"the flow of {video} cannot be computed: {problem}")
        done += frames
        if progress is not None:
            progress(done, total)


def write_flow(video: Path, file: Path, frames: int, size: tuple[int, int], *, method: str) -> None:
    """Write the flow of `video`, reduced to `size` (height, width), to `file`, all or nothing.

    Raises ValueError if the video does not have `frames` frames.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    # A worker that a killed run has left behind may be writing the same file: names of their own.
    unfinished = file.with_name(f"{file.name}.{os.getpid()}.partial")
    pictures = map(to_picture, map(to_levels, compute_flow(grey_frames(video, size), method)))
    count = write_pictures(unfinished, pictures, crf=CRF)
    if count != frames:
        unfinished.unlink()
        raise ValueError(f"{video}: has {count} frames, the audit found {frames}")
    unfinished.replace(file)


def compute_flow(frames: Iterable[np.ndarray], method: str) -> Iterator[np.ndarray]:
    """Flow (H, W, 2) float32 from each grey frame (H, W) uint8 to the next; the last one twice.

    x and y displacements in pixels a frame. A single frame does not move.
    """
    import cv2

    cv2.setNumThreads(1)  # the processes share the processors already
    algorithm: cv2.DenseOpticalFlow
    if method == "tvl1":
        algorithm = cv2.optflow.DualTVL1OpticalFlow.create(**TVL1)
    else:
        algorithm = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    before, flow = None, None
    for frame in frames:
        if before is not None:
            flow = algorithm.calc(before, frame, None)  # type: ignore[call-overload]  # None is right
            yield flow
        before = frame
    if before is not None:
        yield np.zeros((*before.shape, 2), np.float32) if flow is None else flow


def write_pictures(path: Path, pictures: Iterable[np.ndarray], *, crf: int) -> int:
    """Write grey pictures (H, W) uint8 as H.264 with closed GOPs of 12; returns how many.

    All 256 levels are kept apart ("full range"), and no colour is stored.
    """
    count = 0
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=Fraction(25))
        stream.pix_fmt, stream.thread_count = "gray", 1
        stream.codec_context.color_range = av.video.reformatter.ColorRange.JPEG
        stream.options = {
            "crf": str(crf),
            "preset": "veryfast",
            "g": "12",
            "threads": "1",
            "x264-params": "cpu-independent=1:open-gop=0",
        }
        for picture in pictures:
            if count == 0:
                stream.height, stream.width = picture.shape
            frame = av.VideoFrame.from_ndarray(picture, format="gray")
            frame.color_range = av.video.reformatter.ColorRange.JPEG
            container.mux(stream.encode(frame))
            count += 1
        container.mux(stream.encode())
    return count


def grey_frames(video: Path, size: tuple[int, int] | None = None) -> Iterator[np.ndarray]:
    """The frames of a video as grey levels (H, W) uint8, reduced to `size` (height, width)."""
    import cv2

    for frame in iterate_frames(video):
        grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
        if size is not None and grey.shape != tuple(size):
            grey = cv2.resize(grey, (size[1], size[0]), interpolation=cv2.INTER_AREA)
        yield grey

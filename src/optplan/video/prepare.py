"""Videos re-encoded once, so that a clip costs little: small frames, a key frame every 12 frames.

H.264 in mp4 with frames stored in the order they are shown, and without the parts of the format
that take longest to decode. Random access to them is exact, which is checked for each.
"""

import json
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import av
import pandas as pd

from optplan.video.audit import checked_frames, inspect_video, run_limited
from optplan.video.journal import Journal

OPTIONS = {
    "crf": "18",
    "preset": "veryfast",
    "tune": "fastdecode",
    "bf": "0",
    "g": "12",
    "sc_threshold": "0",
    "threads": "1",
    "x264-params": "cpu-independent=1",  # without it, bytes differ from one machine to the next
}


def prepare_videos(
    table: pd.DataFrame,
    root: str | Path,
    folder: str | Path,
    *,
    short_side: int,
    workers: int,
    timeout_seconds: float,
    journal: str | Path,
    decoder: str = "pyav",
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Write every video of `table` below `folder`, its short side reduced to `short_side` pixels.

    A video keeps its path and gets the ending .mp4 besides; it keeps every frame, and is never
    enlarged. Returns the table as it is for the new files, in the same order: video, width, height,
    bytes, rotation and access are theirs, all else that of the originals. Files that `journal`
    names and that are still there are not written again. Raises ValueError for a video that is not
    what the audit found, or that exceeds `timeout_seconds`; those that are finished stay.
    """
    records = table.to_dict("records")
    rows = [SimpleNamespace(**row) for row in records]  # type: ignore[arg-type]  # text keys
    targets = [Path(folder) / f"{row.video}.mp4" for row in rows]
    kept = Journal(journal, json.dumps([av.__version__, short_side, decoder, OPTIONS]))
    for unfinished in Path(folder).rglob("*.partial"):
        unfinished.unlink(missing_ok=True)
    outcomes: dict[int, dict] = {}
    for number, (row, target) in enumerate(zip(rows, targets, strict=True)):
        found = kept.find(row.video, Path(root) / row.video)
        if found and target.is_file() and target.stat().st_size == found["bytes"]:
            outcomes[number] = found
    todo = [number for number in range(len(rows)) if number not in outcomes]
    tasks = [(rows[number], str(root), targets[number], short_side, decoder) for number in todo]
    for task, outcome in run_limited(
        prepare_video, tasks, workers=workers, timeout_seconds=timeout_seconds
    ):
        row = rows[todo[task]]
        if isinstance(outcome, str):
            raise ValueError(f"{row.video}: could not be prepared: {outcome} (timeout_seconds)")
        kept.add(row.video, Path(root) / row.video, outcome)
        outcomes[todo[task]] = outcome
        if progress is not None:
            progress(len(outcomes), len(rows))
    kept.close()
    prepared = table.assign(video=[f"{video}.mp4" for video in table["video"]])
    for column in ("width", "height", "bytes", "rotation", "access"):
        prepared[column] = [outcomes[number][column] for number in range(len(rows))]
    return prepared


def prepare_video(
    row: SimpleNamespace, root: str, target: Path, short_side: int, decoder: str
) -> dict:
    """Write one video and return what the audit says of it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    # A worker that a killed run has left behind may be writing the same file: names of their own.
    partial = target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        _encode(row, Path(root), partial, short_side)
        found = inspect_video(partial, decoder=decoder)
        whole = (found["status"], found["frames"]) == ("ok", row.frames)
        if not whole or found["access"] == "sequential":
            raise ValueError(f"{row.video}: could not be prepared: the copy is {found}")
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return {key: found[key] for key in ("width", "height", "bytes", "rotation", "access")}


def _encode(row: SimpleNamespace, root: Path, path: Path, short_side: int):
    scale = min(1.0, short_side / min(row.height, row.width))
    width, height = (_even(side, scale) for side in (row.width, row.height))
    rate = Fraction(row.fps).limit_denominator(1001) if 1 <= row.fps <= 1000 else Fraction(25)
    with av.open(f"file:{path.absolute()}", "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate, options=OPTIONS)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.thread_count = 1
        for picture in checked_frames(row, root):
            # AREA averages what becomes one pixel: no aliasing.
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(
                width=width, height=height, format="yuv420p", interpolation="AREA", threads=1
            )
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def _even(side: int, scale: float) -> int:
    """Sides of yuv420p are even; an odd one that is not reduced loses a pixel."""
    return max(2, min(2 * round(side * scale / 2), side // 2 * 2))

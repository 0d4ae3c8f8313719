"""The audit: every video decoded, in a process of its own, before anything is trained."""

import hashlib
import json
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, TimeoutError, as_completed
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import av
import numpy as np
import pandas as pd
from pebble import ProcessExpired, ProcessPool

from optplan.processes import without_main
from optplan.video.decoding import (
    ACCESSES,
    DecodingError,
    iterate_frames,
    iterate_groups,
    read_frames,
    read_header,
)
from optplan.video.journal import Journal

T = TypeVar("T")

_UNKNOWN = {
    "status": "bad",
    "frames": 0,
    "fps": 0.0,
    "width": 0,
    "height": 0,
    "seconds": 0.0,
    "bytes": 0,
    "rotation": 0,
    "sha1": "",
    "access": "",
    "error": "",
}


def audit_videos(
    index: pd.DataFrame,
    root: str | Path,
    *,
    workers: int,
    timeout_seconds: float,
    min_frames: int = 1,
    decoder: str = "pyav",
    journal: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Decode every video of `index` and say of each whether and how it can be read.

    Each file gets at most `timeout_seconds`, in one of `workers` processes: a file that hangs or
    crashes the decoder is one bad row. Adds the columns status ("ok" or "bad"), frames (those
    that decoding from the start delivers), fps, width and height (of the frames turned upright),
    seconds, bytes, rotation (degrees anticlockwise, as the file states), sha1 (of the file), access
    and error (one line, empty when ok). Access is "decord" if that is the `decoder` and delivers
    the same frames, "random" if random access by PyAV does, else "sequential". Files in the file
    `journal` that have not changed since are not decoded again; those that were too slow or crashed
    are. `progress(done, total)` is called after each file. Never raises for a bad file.
    """
    paths = [Path(root) / video for video in index["video"]]
    way = json.dumps([av.__version__, min_frames, decoder, *_UNKNOWN])
    kept = Journal(journal, way) if journal is not None else None
    rows: dict[int, dict] = {}
    if kept is not None:
        found = (kept.find(video, path) for video, path in zip(index["video"], paths, strict=True))
        rows = {number: row for number, row in enumerate(found) if row is not None}
    open_numbers = [number for number in range(len(paths)) if number not in rows]
    tasks = [(paths[number], min_frames, decoder) for number in open_numbers]
    if progress is not None and rows:
        progress(len(rows), len(paths))
    for task, outcome in run_limited(
        inspect_video, tasks, workers=workers, timeout_seconds=timeout_seconds
    ):
        number = open_numbers[task]
        if isinstance(outcome, str):
            outcome = {**_UNKNOWN, "bytes": _size(paths[number]), "error": outcome}
        elif kept is not None:
            kept.add(index["video"].iloc[number], paths[number], outcome)
        rows[number] = outcome
        if progress is not None:
            progress(len(rows), len(paths))
    if kept is not None:
        kept.close()
    outcomes = pd.DataFrame([rows[number] for number in range(len(paths))], columns=list(_UNKNOWN))
    return pd.concat([index.reset_index(drop=True), outcomes], axis=1)


def inspect_video(path: Path, min_frames: int = 1, decoder: str = "pyav") -> dict[str, object]:
    """The audit's columns for one file; never raises for a file that cannot be read."""
    row = _UNKNOWN | {"bytes": _size(path)}
    try:
        row["sha1"] = _sha1(path)
        header = read_header(path)
        row["rotation"] = header.rotation
        checksums = []
        for frame in iterate_frames(path):
            checksums.append(zlib.crc32(frame.data))
        if not checksums:
            raise DecodingError(f"{path}: has no frames")
        row["height"], row["width"] = frame.shape[:2]
        row["frames"] = len(checksums)
        if np.isfinite(header.fps) and header.fps > 0:
            row |= {"fps": header.fps, "seconds": len(checksums) / header.fps}
        # An index may be a little off; a file that lacks a tenth of it was not written to its end.
        if len(checksums) < 0.9 * header.frames:
            raise DecodingError(f"is cut off: {len(checksums)} of {header.frames} frames are there")
        row["access"] = _access(path, checksums, decoder)
    except (DecodingError, OSError, MemoryError) as error:
        return row | {"error": _one_line(error, path)}
    if len(checksums) < min_frames:
        return row | {"error": f"has {len(checksums)} frames, fewer than the {min_frames} needed"}
    return row | {"status": "ok"}


def _access(path: Path, checksums: list[int], decoder: str) -> str:
    """The quickest way to the frames with these CRC-32 that `decoder` has."""
    if decoder == "decord":
        from optplan.video import decord_frames  # brings an FFmpeg of its own along

        if decord_frames.is_exact(path, checksums):
            return "decord"
    return "random" if random_access_is_exact(path, checksums) else "sequential"


def random_access_is_exact(path: Path, checksums: list[int]) -> bool:
    """Whether random access delivers the frames with these CRC-32, which are in order.

    Every group of pictures is decoded from its own key frame. Then single frames are fetched, each
    by a new reader and with others left out, as a clip is: the first, the last, the middle one and
    some at random.
    """
    count, seen = len(checksums), 0
    try:
        for index, frame in iterate_groups(path):
            if index >= count or zlib.crc32(frame.data) != checksums[index]:
                return False
            seen += 1
        if seen != count:
            return False
        some = np.random.default_rng(count).integers(count, size=6).tolist()
        probes = sorted({0, count // 2, count - 1, *some})
        for request in [[probe] for probe in probes] + [probes]:
            frames = read_frames(path, request, "random")
            if [zlib.crc32(frame.data) for frame in frames] != [checksums[i] for i in request]:
                return False
    except DecodingError:
        return False
    return True


def checked_frames(row, root: Path) -> Iterator[np.ndarray]:
    """The frames (H, W, 3) of an audited row's video; ValueError if they have changed since."""
    count = 0
    for frame in iterate_frames(root / row.video):
        count += 1
        if frame.shape != (row.height, row.width, 3):
            raise ValueError(
                f"{row.video}: frame {count - 1} is {frame.shape[1]} x {frame.shape[0]} pixels, "
                f"the audit found {row.width} x {row.height}"
            )
        yield frame
    if count != row.frames:
        raise ValueError(f"{row.video}: has {count} frames, the audit found {row.frames}")


def summarise_audit(audit: pd.DataFrame) -> str:
    """How many videos can be used, and how they are read, in one line."""
    counts = _state(audit).value_counts()
    sequential, bad = (counts.get(kind, 0) for kind in ("sequential", "bad"))
    usable = len(audit) - bad
    return (
        f"{usable} of {len(audit)} videos can be used, {usable - sequential} by random access and "
        f"{sequential} sequentially; {bad} are bad"
    )


def describe_audit(audit: pd.DataFrame) -> str:
    """A report in Markdown: how many videos of each subset are read how, and what is bad, why."""
    state = _state(audit)
    kinds = [kind for kind in (*ACCESSES, "bad") if kind != "decord" or kind in set(state)]
    lines = [f"| subset | videos | {' | '.join(kinds)} |", "|---|---" + "|---" * len(kinds) + "|"]
    subsets = audit["subset"].replace("", "not given")
    for name, rows in [("all", state), *state.groupby(subsets)]:
        counts = [int((rows == kind).sum()) for kind in kinds]
        lines.append(f"| {name} | {len(rows)} | {' | '.join(map(str, counts))} |")
    bad = audit[state == "bad"]
    if len(bad):
        lines += ["", "| bad because it | videos | first |", "|---|---|---|"]
        for reason, count in bad["error"].value_counts().head(20).items():
            first = bad["video"][bad["error"] == reason].iloc[0]
            lines.append(f"| {_cell(reason)} | {count} | {_cell(first)} |")
        sizes = Counter(audit["label"])
        lines += ["", "| class with bad videos | bad | of |", "|---|---|---|"]
        for label, count in bad["label"].value_counts(sort=False).items():
            lines.append(f"| {_cell(label)} | {count} | {sizes[label]} |")
    return "\n".join(lines) + "\n"


def _state(audit: pd.DataFrame) -> pd.Series:
    """How a video is read, or "bad"."""
    return audit["access"].where(audit["status"] == "ok", "bad")


def check_audit(audit: pd.DataFrame, max_bad_fraction: float = 0.05) -> None:
    """Raise ValueError when more than `max_bad_fraction` of the videos, or a whole class, is bad.

    The message names the first ten bad files with their reasons, and what to do.
    """
    bad = audit[audit["status"] != "ok"]
    if len(bad) > max_bad_fraction * len(audit):
        first = bad.head(10)[["video", "error"]].itertuples(index=False)
        lines = [f"  {video}: {error}" for video, error in first]
        raise ValueError(
            f"{len(bad)} of {len(audit)} videos cannot be used, more than the share of "
            f"{max_bad_fraction:g} that max_bad_fraction allows:\n" + "\n".join(lines)
        )
    lost = sorted(set(audit["label"]) - set(audit["label"][audit["status"] == "ok"]))
    if lost:
        classes = ", ".join(map(repr, lost))
        raise ValueError(f"no usable video is left of the classes {classes}")


def run_limited(
    function: Callable[..., T],
    tasks: Iterable[tuple],
    *,
    workers: int,
    timeout_seconds: float | None,
) -> Iterator[tuple[int, T | str]]:
    """Yield (number, `function(*task)`) for every task as it is finished by one of `workers`.

    A task that exceeds `timeout_seconds` or kills its process yields the reason, a str, instead.
    """
    # Forked from a clean server process: safe beside the threads of torch.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with without_main(), ProcessPool(max_workers=workers, context=context) as pool:
        try:
            futures: dict[Future, int] = {
                pool.schedule(function, args=task, timeout=timeout_seconds): number
                for number, task in enumerate(tasks)
            }
            for future in as_completed(futures):
                try:
                    yield futures[future], future.result()
                except TimeoutError:
                    yield futures[future], f"took longer than {timeout_seconds:g} seconds"
                except ProcessExpired as error:
                    yield futures[future], f"crashed the decoder (exit code {error.exitcode})"
        except BaseException:
            pool.stop()
            raise


def _files(path: Path) -> list[Path]:
    return sorted(path.iterdir()) if path.is_dir() else [path]


def _size(path: Path) -> int:
    return sum(file.stat().st_size for file in _files(path) if file.is_file())


def _sha1(path: Path) -> str:
    digest = hashlib.sha1()
    for file in _files(path):
        with file.open("rb") as opened:
            hashlib.file_digest(opened, lambda: digest)
    return digest.hexdigest()


def _cell(text: object) -> str:
    return " ".join(str(text).split()).replace("|", "\\|")


def _one_line(error: Exception, path: Path) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.removeprefix(f"{path}: ").split()) or type(error).__name__

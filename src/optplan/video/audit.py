"""The audit: every video decoded once, in a process of its own, before anything is trained."""

import hashlib
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import TimeoutError
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
from pebble import ProcessExpired, ProcessPool

from optplan.video.decoding import DecodingError, iterate_frames, read_frames, read_header

NOT_EXACT = "random access is not exact; re-encode as H.264 mp4 with closed GOPs"
_UNKNOWN = {
    "status": "bad",
    "frames": 0,
    "fps": 0.0,
    "width": 0,
    "height": 0,
    "seconds": 0.0,
    "bytes": 0,
    "sha1": "",
    "exact": False,
    "error": "",
}


def audit_videos(
    index: pd.DataFrame,
    root: str | Path,
    *,
    workers: int,
    timeout_seconds: float,
    min_frames: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> pd.DataFrame:
    """Decode every video of `index` and say of each whether it can be trained on.

    Each file gets at most `timeout_seconds`, in one of `workers` processes: a file that hangs or
    crashes the decoder is one bad row. Adds the columns status ("ok" or "bad"), frames (those
    that sequential decoding delivers), fps, width, height, seconds, bytes, sha1 (of the file),
    exact (random access delivers the same frames) and error (one line, empty when ok).
    `progress(done, total)` is called after each file. Never raises for a bad file.
    """
    paths = [Path(root) / video for video in index["video"]]
    rows = []
    tasks = [(path, min_frames) for path in paths]
    for path, outcome in zip(
        paths,
        run_limited(inspect_video, tasks, workers=workers, timeout_seconds=timeout_seconds),
        strict=True,
    ):
        if isinstance(outcome, str):
            outcome = {**_UNKNOWN, **_file_size(path), "error": outcome}
        rows.append(outcome)
        if progress is not None:
            progress(len(rows), len(paths))
    found = pd.DataFrame(rows, columns=list(_UNKNOWN))
    return pd.concat([index.reset_index(drop=True), found], axis=1)


def inspect_video(path: Path, min_frames: int) -> dict[str, object]:
    """The audit's columns for one file; never raises for a file that cannot be read."""
    row = _UNKNOWN | _file_size(path)
    try:
        with path.open("rb") as file:
            row["sha1"] = hashlib.file_digest(file, "sha1").hexdigest()
        header = read_header(path)
        checksums = []
        for frame in iterate_frames(path):
            checksums.append(zlib.crc32(frame))
        if not checksums:
            raise DecodingError(f"{path}: has no frames")
        row["height"], row["width"] = frame.shape[:2]
        row["frames"] = len(checksums)
        if np.isfinite(header.fps) and header.fps > 0:
            row |= {"fps": header.fps, "seconds": len(checksums) / header.fps}
        row["exact"] = header.timestamps and _probes_agree(path, checksums, header.key_frames)
    except (DecodingError, OSError, MemoryError) as error:
        return row | {"error": _one_line(error, path)}
    if len(checksums) < min_frames:
        return row | {"error": f"has {len(checksums)} frames, fewer than the {min_frames} needed"}
    if not row["exact"]:
        return row | {"error": NOT_EXACT}
    return row | {"status": "ok"}


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
    function: Callable, tasks: Iterable[tuple], *, workers: int, timeout_seconds: float
) -> Iterator[object]:
    """Yield `function(*task)` for every task, in order, computed in `workers` processes.

    A task that exceeds `timeout_seconds` or kills its process yields the reason, a str, instead.
    """
    # Forked from a clean server process: safe beside the threads of torch and decord.
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__])
    with _without_main(), ProcessPool(max_workers=workers, context=context) as pool:
        try:
            futures = [
                pool.schedule(function, args=task, timeout=timeout_seconds) for task in tasks
            ]
            for future in futures:
                try:
                    yield future.result()
                except TimeoutError:
                    yield f"took longer than {timeout_seconds:g} seconds"
                except ProcessExpired as error:
                    yield f"crashed the decoder (exit code {error.exitcode})"
        except BaseException:
            pool.stop()
            raise


@contextmanager
def _without_main() -> Iterator[None]:
    """Hide where `__main__` came from, so that workers do not run the calling script again."""
    main = sys.modules["__main__"]
    kept = {name: main.__dict__[name] for name in ("__file__", "__spec__") if name in vars(main)}
    main.__dict__.pop("__file__", None)
    main.__spec__ = None
    try:
        yield
    finally:
        main.__dict__.update(kept)


def _probes_agree(path: Path, checksums: list[int], key_frames: tuple[int, ...]) -> bool:
    """Whether frames fetched out of order are those of the sequential decode, where probed.

    decord goes wrong around key frames (open GOPs) and at the end, so these are probed; each
    alone with a new reader, as a clip starts, and then all in one request.
    """
    count = len(checksums)
    rng = np.random.default_rng(count)
    inner = [key for key in key_frames if 0 < key < count]
    keys = rng.choice(inner, size=min(2, len(inner)), replace=False) if inner else []
    near_keys = {int(key) + step for key in keys for step in (-1, 1)}
    others = set(rng.integers(count, size=4).tolist())
    probes = sorted(({0, count // 2, count - 1} | near_keys | others) & set(range(count)))
    for request in [[probe] for probe in probes] + [probes]:
        frames = read_frames(path, request)
        if [zlib.crc32(frame) for frame in frames] != [checksums[i] for i in request]:
            return False
    return True


def _file_size(path: Path) -> dict[str, int]:
    return {"bytes": path.stat().st_size if path.is_file() else 0}


def _one_line(error: Exception, path: Path) -> str:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.removeprefix(f"{path}: ").split()) or type(error).__name__

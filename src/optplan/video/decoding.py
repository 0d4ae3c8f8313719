"""Video files to frames. The one module that imports decord.

Every call opens a reader of its own, with one decoding thread: decord readers that are shared
between processes or kept across a fork abort or hang.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import decord
import numpy as np

decord.logging.set_level(decord.logging.QUIET)

# What decord's messages mean to the person who has to repair the file.
_REASONS = (
    ("cannot find video stream", "has no video stream that decord can decode"),
    ("Failed to measure duration", "states no duration (GIF, raw stream, unfinished recording)"),
    ("Error reading", "is not a video, or is cut off"),
    ("ERROR getting stream info", "is not a video, or is cut off"),
    ("Unable to handle EOF", "is cut off, or its container cannot be searched"),
    ("av_read_frame failed", "is cut off or damaged"),
    ("avcodec_send_packet", "has damaged frames"),
    ("avfilter_graph_create_filter", "has a video stream without a valid picture size or format"),
    ("Invalid frame count", "has no frames"),
    # Rows padded by a third of their length or more are taken for a fourth channel.
    ("from_size == to_size", "is so narrow that decord cannot decode it (48 or 72 pixels, say)"),
)


class DecodingError(ValueError):
    """A video file that cannot be decoded as asked; the message names the file and the reason."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself before a frame is decoded.

    `frames` may be 1 or 2 too many. Without `timestamps` that increase from frame to frame (some
    AVI and MPEG files have none), random access is a matter of luck: the same request can deliver
    different frames on different days.
    """

    frames: int
    fps: float
    key_frames: tuple[int, ...]
    timestamps: bool


def read_header(path: str | Path) -> Header:
    """Read what `path` says of itself; decodes nothing but the first frame."""
    with _errors_of(path):
        reader = _open(path)
        starts = reader.get_frame_timestamp(range(len(reader)))[:, 0]
        return Header(
            frames=len(reader),
            fps=float(reader.get_avg_fps()),
            key_frames=tuple(reader.get_key_indices()),
            timestamps=bool((np.diff(starts) > 0).all()),
        )


def read_frames(path: str | Path, indices: Sequence[int] | np.ndarray) -> np.ndarray:
    """Decode the frames at `indices`, in any order and with repetitions, by random access.

    Returns uint8 RGB of shape (L, H, W, 3). Raises DecodingError, also for an index that the
    file does not have. Whether random access delivers the right frames depends on the file:
    the audit finds out.
    """
    indices = np.asarray(indices, dtype=np.int64)
    if indices.ndim != 1 or indices.size == 0:
        raise ValueError(
            f"indices for {path} must be a non-empty list of numbers, got shape {indices.shape}"
        )
    # Ascending and unique: decord then decodes forward and seeks as little as possible.
    wanted, order = np.unique(indices, return_inverse=True)
    with _errors_of(path):
        reader = _open(path)
        if wanted[0] < 0 or wanted[-1] >= len(reader):
            frame = wanted[0] if wanted[0] < 0 else wanted[-1]
            raise DecodingError(f"{path}: has no frame {frame}, only 0 to {len(reader) - 1}")
        return reader.get_batch(wanted).asnumpy()[order]


def iterate_frames(path: str | Path) -> Iterator[np.ndarray]:
    """Decode from the first frame to the last, one uint8 RGB array (H, W, 3) at a time."""
    with _errors_of(path):
        reader = _open(path)
    while True:
        with _errors_of(path):
            try:
                frame = reader.next().asnumpy()
            except StopIteration:
                return
            if frame.shape[2] != 3:
                raise RuntimeError("from_size == to_size")
        yield frame


def read_all(path: str | Path) -> np.ndarray:
    """Decode the whole video sequentially: uint8 RGB of shape (T, H, W, 3)."""
    frames = list(iterate_frames(path))
    if not frames:
        raise DecodingError(f"{path}: has no frames")
    return np.stack(frames)


def _open(path: str | Path) -> decord.VideoReader:
    # Absolute, because FFmpeg takes "a:b.mp4" for a protocol.
    absolute = Path(path).absolute()
    if not absolute.exists():
        raise DecodingError(f"{path}: does not exist")
    if absolute.is_file() and absolute.stat().st_size == 0:
        raise DecodingError(f"{path}: is empty")
    return decord.VideoReader(str(absolute), ctx=decord.cpu(0), num_threads=1)


@contextmanager
def _errors_of(path: str | Path) -> Iterator[None]:
    """Turn what decord raises into a DecodingError of one line that names `path`."""
    try:
        yield
    # The assertion is decord's own: a stream of zero frames.
    except (RuntimeError, IndexError, AssertionError, decord.DECORDError) as error:
        raise DecodingError(f"{path}: {_reason(str(error))}") from error


def _reason(message: str) -> str:
    for part, reason in _REASONS:
        if part in message:
            return reason
    lines = message.strip().splitlines() or ["cannot be decoded"]
    return re.sub(r"^\[[\d:]+\] \S+:\d+: ", "", lines[0])[:200]

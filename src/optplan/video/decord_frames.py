"""Frames through decord, for those who want the decoder that most published loaders use.

The one module that imports decord. Its random access is silently wrong on some containers, so the
audit has to find it exact before a file is read this way (`data.decoder`).
"""

import zlib
from collections.abc import Sequence
from pathlib import Path

import decord
import numpy as np

decord.logging.set_level(decord.logging.QUIET)

_ERRORS = (RuntimeError, IndexError, AssertionError, decord.DECORDError)
_AT_ONCE = 32  # frames


def read_frames(path: str | Path, indices: Sequence[int] | np.ndarray) -> np.ndarray:
    """Decode the frames at `indices`, in any order: uint8 RGB of shape (L, H, W, 3).

    A reader of its own with one thread: readers that are shared or forked abort or hang.
    Raises ValueError, in one line, for what decord cannot read.
    """
    try:
        # Ascending and unique: decord then decodes forward and seeks as little as possible.
        wanted, order = np.unique(indices, return_inverse=True)
        return _open(path).get_batch(wanted).asnumpy()[order]
    except _ERRORS as error:
        reason = " ".join(str(error).split())[-200:]
        raise ValueError(f"{path}: decord cannot read it: {reason}") from error


def is_exact(path: str | Path, checksums: Sequence[int]) -> bool:
    """Whether decord delivers the frames with these CRC-32, which are in order.

    All of them are asked for by one reader, the last ones first, as random access does; then
    the first, the last, the middle one and some at random, each by a new reader, as a clip is.
    """
    count = len(checksums)
    some = np.random.default_rng(count).integers(count, size=6).tolist()
    probes = [[probe] for probe in sorted({0, count // 2, count - 1, *some})]
    try:
        reader = _open(path)
        for start in reversed(range(0, count, _AT_ONCE)):
            request = range(start, min(start + _AT_ONCE, count))
            if not _agree(reader.get_batch(list(request)).asnumpy(), request, checksums):
                return False
        return all(_agree(read_frames(path, probe), probe, checksums) for probe in probes)
    except (ValueError, *_ERRORS):
        return False


def _agree(frames: np.ndarray, indices: Sequence[int], checksums: Sequence[int]) -> bool:
    return [zlib.crc32(frame) for frame in frames] == [checksums[index] for index in indices]


def _open(path: str | Path) -> decord.VideoReader:
    # Absolute, because FFmpeg takes "a:b.mp4" for a protocol.
    return decord.VideoReader(str(Path(path).absolute()), ctx=decord.cpu(0), num_threads=1)

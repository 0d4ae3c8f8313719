"""Videos that are folders of JPEG frames, as of Something-Something V1: 00001.jpg, 00002.jpg, ...

All errors of a folder are ValueErrors of one line that names the folder or the frame.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

FPS = 12.0  # at which Something-Something V1 was extracted; the frames themselves do not say

_FRAME = re.compile(r"(\d+)\.jpe?g", re.IGNORECASE)


def count_frames(path: str | Path) -> int:
    """The number of frames of the folder `path`, 1 or more; opens none of them."""
    return len(_frame_files(Path(path)))


def read_frames(path: str | Path, indices: Sequence[int] | np.ndarray) -> np.ndarray:
    """Decode the frames at `indices`, from 0, in any order and with repetitions.

    Returns uint8 RGB of shape (L, H, W, 3). Raises ValueError for an index that the folder does
    not have, a gap in the numbers, a frame that cannot be decoded, or frames of several sizes.
    """
    path = Path(path)
    indices = np.asarray(indices, dtype=np.int64)
    if indices.ndim != 1 or indices.size == 0:
        raise ValueError(
            f"indices for {path} must be a non-empty list of numbers, got shape {indices.shape}"
        )
    files = _frame_files(path)
    wanted, order = np.unique(indices, return_inverse=True)
    if wanted[0] < 0 or wanted[-1] >= len(files):
        frame = wanted[0] if wanted[0] < 0 else wanted[-1]
        raise ValueError(f"{path}: has no frame {frame}, only 0 to {len(files) - 1}")
    return np.stack(list(_decode([files[index] for index in wanted])))[order]


def iterate_frames(path: str | Path) -> Iterator[np.ndarray]:
    """Decode from the first frame to the last, one uint8 RGB array (H, W, 3) at a time."""
    yield from _decode(_frame_files(Path(path)))


def _decode(files: list[Path]) -> Iterator[np.ndarray]:
    """The frames, all of one size."""
    size = None
    for file in files:
        try:
            with Image.open(file) as image:
                frame = np.array(image.convert("RGB"))
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            raise ValueError(f"{file}: is not a JPEG, or is cut off ({error})") from error
        if size is None:
            size = frame.shape
        if frame.shape != size:
            (height, width), (h, w) = size[:2], frame.shape[:2]
            raise ValueError(f"{file}: is {w} x {h}, but {files[0].name} is {width} x {height}")
        yield frame


def _frame_files(path: Path) -> list[Path]:
    """The files of the frames in the order of their numbers, which start at 1 (or 0)."""
    try:
        names = [entry.name for entry in path.iterdir()]
    except OSError as error:
        raise ValueError(f"{path}: {error.strerror}") from error
    numbers: dict[int, list[Path]] = {}
    for name in sorted(names):
        match = _FRAME.fullmatch(name)
        if match:
            numbers.setdefault(int(match[1]), []).append(path / name)
    if not numbers:
        raise ValueError(f"{path}: has no frames (files such as 00001.jpg)")
    first = min(min(numbers), 1)
    for number in range(first, first + len(numbers)):
        if number not in numbers:
            raise ValueError(f"{path}: has no frame {number:05d}.jpg, but later ones")
        if len(numbers[number]) > 1:
            one, other = (file.name for file in numbers[number][:2])
            raise ValueError(f"{path}: has both {one} and {other}")
    return [numbers[number][0] for number in sorted(numbers)]

"""Where clips come from: the video files, or one file of decoded frames for a small data set."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch.nn.functional import interpolate

from optplan.video.audit import checked_frames
from optplan.video.decoding import read_frames


class VideoFiles:
    """Clips decoded from the video files themselves, each time they are asked for.

    `root` is their folder, or the table of prepared videos that lies beside it. The table's column
    access says how each is read; without it, sequentially.
    """

    def __init__(self, root: str | Path, table: pd.DataFrame):
        self._root = video_folder(root)
        # Arrays of bytes: lists of strings would grow in every worker process.
        self._videos = np.array([video.encode() for video in table["video"]])
        accesses = table.get("access", default=["sequential"] * len(table))
        self._accesses = np.array([access.encode() for access in accesses])

    def clip(self, row: int, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """The frames `indices` of the video in row `row`: uint8 RGB (L, H, W, 3)."""
        video, access = self._videos[row].decode(), self._accesses[row].decode()
        return read_frames(self._root / video, indices, access)


def video_folder(root: str | Path) -> Path:
    """The folder of the videos; that of prepared ones lies beside its table, prepared.tsv."""
    root = Path(root)
    return root.with_suffix("") if root.suffix == ".tsv" and not root.is_dir() else root


class FrameStore:
    """Clips read from the file of decoded frames that `write_frames` made of the same videos.

    `short_side` must be what it was written with. The file is mapped, not loaded; a copy of an
    instance that is sent to another process maps it anew.
    """

    def __init__(self, path: str | Path, table: pd.DataFrame, *, short_side: int | None = None):
        self._path = Path(path)
        self._mapped: np.ndarray | None = None
        self._shapes = _stored_shapes(table, short_side)
        ends = np.cumsum(self._shapes.prod(axis=1))
        self._offsets = np.concatenate([[0], ends[:-1]])
        # The store is in the order of the videos' names: position of each row of the table.
        self._positions = np.argsort(np.argsort(table["video"].to_numpy(dtype=object)))
        stored = self._frames().size
        if stored != ends[-1]:
            raise ValueError(
                f"{path} holds {stored} bytes of frames, but the {len(table)} videos of the table "
                f"with short_side {short_side} take {ends[-1]}; write the frames again"
            )

    def clip(self, row: int, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """The frames `indices` of the video in row `row`: uint8 RGB (L, H, W, 3)."""
        position = self._positions[row]
        shape, start = self._shapes[position], self._offsets[position]
        video = self._frames()[start : start + shape.prod()].reshape(shape)
        indices = np.asarray(indices, dtype=np.int64)
        if indices.min() < 0 or indices.max() >= len(video):
            raise ValueError(
                f"{self._path}: row {row} has the frames 0 to {len(video) - 1}, not all of "
                f"{indices.tolist()}"
            )
        return np.asarray(video[indices])

    def _frames(self) -> np.ndarray:
        if self._mapped is None:
            # Not a memmap, whose slices are slow.
            self._mapped = np.asarray(np.load(self._path, mmap_mode="r"))
        return self._mapped

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_mapped": None}  # else all frames would be sent along


def write_frames(
    table: pd.DataFrame,
    root: str | Path,
    path: str | Path,
    *,
    short_side: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Decode every video of `table` once and write all frames to one flat uint8 `.npy` file.

    The videos follow each other in the order of their names. Frames whose short side is longer
    than `short_side` pixels are reduced to it, antialiased, with their aspect ratio kept.
    `progress(done, total)` is called after each video. The file appears under its name when it is
    complete. Raises ValueError when a video is not what the audit found, naming it.
    """
    path = Path(path)
    partial = path.with_name(f"{path.name}.partial")
    shapes = _stored_shapes(table, short_side)
    ordered = table.sort_values("video")
    try:
        with _one_thread(), partial.open("wb") as file:
            header = {"descr": "|u1", "fortran_order": False}
            header["shape"] = (int(shapes.prod(axis=1).sum()),)
            np.lib.format.write_array_header_2_0(file, header)
            for done, (row, shape) in enumerate(
                zip(ordered.itertuples(), shapes, strict=True), start=1
            ):
                for frame in checked_frames(row, video_folder(root)):
                    file.write(_reduce(frame, shape[1], shape[2]).data)
                if progress is not None:
                    progress(done, len(table))
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _stored_shapes(table: pd.DataFrame, short_side: int | None) -> np.ndarray:
    """(frames, height, width, 3) of each video as stored, in the order of the videos' names."""
    if short_side is not None and short_side < 1:
        raise ValueError(f"short_side is {short_side}; it must be at least 1, or None")
    ordered = table.sort_values("video")
    frames, height, width = ordered[["frames", "height", "width"]].to_numpy(dtype=np.int64).T
    if short_side is not None:
        scale = np.minimum(1.0, short_side / np.minimum(height, width))
        height = np.rint(height * scale).astype(np.int64)
        width = np.rint(width * scale).astype(np.int64)
    return np.stack([frames, height, width, np.full_like(frames, 3)], axis=1)


@contextmanager
def _one_thread() -> Iterator[None]:
    # Frames are small: on a busy machine, waiting for a second thread costs far more than it saves.
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _reduce(frame: np.ndarray, height: int, width: int) -> np.ndarray:
    if frame.shape[:2] == (height, width):
        return np.ascontiguousarray(frame)
    image = torch.from_numpy(frame).permute(2, 0, 1)[None].float()
    smaller = interpolate(image, (int(height), int(width)), mode="bilinear", antialias=True)
    return smaller.round().clamp(0, 255).byte()[0].permute(1, 2, 0).contiguous().numpy()

"""Optical flow as it is stored, and clips of it (Table 7).

A displacement of d pixels a frame is stored as the level 128 + 127 d / BOUND, rounded. No motion is
level 128 exactly, and the level of -d is 256 less that of d exactly, so that a mirrored flow is the
flow of the mirrored video; level 0 does not occur. Displacements beyond BOUND are clipped to it.

One video file holds the flow of one video: in each picture the x displacements lie above the y
displacements, as grey levels. Its width is filled up to a multiple of 32. Picture t is the flow
from frame t to the next one; the last is repeated, so that a flow has as many frames as its video.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

BOUND = 20.0
"""The largest displacement that is stored, in pixels a frame."""

ZERO = 128
"""The level of no motion."""

_SCALE = 127 / BOUND


def to_levels(flow: np.ndarray) -> np.ndarray:
    """Displacements in pixels a frame -> levels 1 to 255, uint8, of the same shape."""
    return np.clip(np.rint(ZERO + _SCALE * flow), 1, 255).astype(np.uint8)


def to_pixels(levels: np.ndarray) -> np.ndarray:
    """Levels -> displacements in pixels a frame, float32, of the same shape."""
    return (levels.astype(np.float32) - ZERO) / np.float32(_SCALE)


def to_picture(levels: np.ndarray) -> np.ndarray:
    """Levels (H, W, 2) -> the picture (2 H, W filled up to a multiple of 32) that is stored."""
    stacked = np.concatenate([levels[..., 0], levels[..., 1]])
    return np.pad(stacked, ((0, 0), (0, -stacked.shape[1] % 32)), mode="edge")


def flow_table(split: pd.DataFrame, *, method: str, short_side: int) -> pd.DataFrame:
    """The split with the height and width of the flow, and the column `flow`: its file.

    Frames whose short side is longer than `short_side` pixels are reduced to it before the flow is
    computed. A file's name changes with the method, both sizes and the video's content, so that one
    that is there is the right one. `sha1` is the original's, of which a prepared video may be a
    copy of any size.
    """
    scale = np.minimum(1.0, short_side / split[["height", "width"]].min(axis=1))
    columns = ("video", "sha1", "width", "height")
    names = [
        f"{method}-{short_side}/{video}.{sha1[:8]}-{width}x{height}.mp4"
        for video, sha1, width, height in zip(*(split[key] for key in columns), strict=True)
    ]
    return split.assign(
        height=np.rint(split["height"] * scale).astype(int),
        width=np.rint(split["width"] * scale).astype(int),
        flow=names,
    )


def flow_folder(table_file: str | Path) -> Path:
    """The folder of the flow files beside the file of their table: data/flow for data/flow.tsv."""
    return Path(table_file).with_suffix("")


def stored_pictures(table: pd.DataFrame) -> pd.DataFrame:
    """What `VideoFiles`, `write_frames` and `FrameStore` need to know of a `flow_table`'s files."""
    width = table["width"] + -table["width"] % 32
    return table.assign(
        video=table["flow"], height=2 * table["height"], width=width, access="random"
    )


class FlowClips:
    """Clips of flow from a source of its stored pictures, and the `flow_table` they belong to."""

    def __init__(self, pictures, table: pd.DataFrame):
        self._pictures = pictures
        self._sizes = table[["height", "width"]].to_numpy()

    def clip(self, row: int, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """The flow at `indices` of the video in row `row`: uint8 levels of x and y (L, H, W, 2)."""
        height, width = self._sizes[row]
        stored = self._pictures.clip(row, indices)[:, :, :width, 0]
        return np.maximum(np.stack([stored[:, :height], stored[:, height:]], axis=-1), 1)

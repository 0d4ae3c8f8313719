"""Clips as datasets: a video of the split, sampled, cut and labelled."""

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset

from optplan.video.sampling import ClipSpec, training_indices, view_indices
from optplan.video.transforms import cut, random_box, view_boxes


class TrainingClips(Dataset):
    """One random clip a video. Items are asked for by (epoch, number).

    A clip is drawn from (seed, epoch, number) alone, so that it does not depend on which worker
    makes it, on the order, or on whether training was interrupted before.

    Args:
        source: `FrameStore`, `VideoFiles` or `FlowClips`; clips of a row as (T, H, W, C) uint8.
        table: the split.
        rows: the rows of `table` to use.
        spec: how a clip is sampled.
        short_side, crop: range of the short side after resizing, and side of the square crop, px.
        flip: whether clips are mirrored at random.
    """

    def __init__(
        self,
        source,
        table: pd.DataFrame,
        rows: np.ndarray,
        spec: ClipSpec,
        *,
        short_side: tuple[int, int],
        crop: int,
        flip: bool,
        seed: int,
    ):
        self.source, self.rows, self.spec = source, np.asarray(rows), spec
        self.frames, self.targets = _columns(table)
        self.short_side, self.crop, self.flip, self.seed = short_side, crop, flip, seed

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, key: tuple[int, int]) -> tuple[torch.Tensor, int]:
        """Clip (C, T, crop, crop) uint8 and its target."""
        epoch, number = key
        row = self.rows[number]
        rng = np.random.default_rng([self.seed, epoch, number])
        frames = self.source.clip(row, training_indices(self.frames[row], self.spec, rng))
        box = random_box(
            *frames.shape[1:3], short_side=self.short_side, crop=self.crop, flip=self.flip, rng=rng
        )
        return cut(frames, box, self.crop), int(self.targets[row])


class ViewClips(Dataset):
    """All views of a video for evaluation: `num_clips` clips times `num_crops` crops (Sec. 5.2)."""

    def __init__(
        self,
        source,
        table: pd.DataFrame,
        rows: np.ndarray,
        spec: ClipSpec,
        *,
        short_side: int,
        crop: int,
        num_clips: int = 1,
        num_crops: int = 1,
    ):
        self.source, self.rows, self.spec = source, np.asarray(rows), spec
        self.frames, self.targets = _columns(table)
        self.short_side, self.crop = short_side, crop
        self.num_clips, self.num_crops = num_clips, num_crops

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
        """Views (num_clips * num_crops, C, T, crop, crop) uint8 and the video's target."""
        row = self.rows[number]
        indices = view_indices(self.frames[row], self.spec, num_clips=self.num_clips)
        frames = self.source.clip(row, indices.ravel())
        frames = frames.reshape(*indices.shape, *frames.shape[1:])
        boxes = view_boxes(
            *frames.shape[2:4],
            short_side=self.short_side,
            crop=self.crop,
            num_crops=self.num_crops,
        )
        views = [cut(clip, box, self.crop) for clip in frames for box in boxes]
        return torch.stack(views), int(self.targets[row])


def _columns(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Frame counts and targets as arrays: lists would grow in every worker process."""
    return table["frames"].to_numpy(), table["target"].to_numpy()

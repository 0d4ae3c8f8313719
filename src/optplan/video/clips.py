"""Clips as datasets: a video of the split, sampled, cut and labelled."""

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset

from optplan.video.sampling import ClipSpec, first_indices, training_indices, view_indices
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
        augmentation: what comes after the crop: nothing ("paper"), or what `augment` does ("moco").
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
        augmentation: str = "paper",
    ):
        self.source, self.rows, self.spec = source, np.asarray(rows), spec
        self.frames, self.targets = _columns(table)
        self.short_side, self.crop, self.flip, self.seed = short_side, crop, flip, seed
        self.augment = None
        if augmentation == "moco":
            from optplan.video.augmentation import augment  # torchvision is slow to import

            self.augment = augment

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
        clip = cut(frames, box, self.crop)
        if self.augment is not None:
            clip = self.augment(clip, rng)
        return clip, int(self.targets[row])


class ViewClips(Dataset):
    """All views of a video for evaluation: `num_clips` clips times `num_crops` crops (Sec. 5.2).

    Clips are spread over the video, one is the centric clip; or it is the video's `first`.
    """

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
        first: bool = False,
    ):
        if first and num_clips != 1:
            raise ValueError(f"there is one first clip of a video, not {num_clips}")
        self.source, self.rows, self.spec = source, np.asarray(rows), spec
        self.frames, self.targets = _columns(table)
        self.short_side, self.crop = short_side, crop
        self.num_clips, self.num_crops, self.first = num_clips, num_crops, first

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int]:
        """Views (num_clips * num_crops, C, T, crop, crop) uint8 and the video's target."""
        row = self.rows[number]
        indices = self._indices(self.frames[row])
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

    def _indices(self, num_frames: int) -> np.ndarray:
        if self.first:
            return first_indices(num_frames, self.spec)
        return view_indices(num_frames, self.spec, num_clips=self.num_clips)


def _columns(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Frame counts and targets as arrays: lists would grow in every worker process."""
    return table["frames"].to_numpy(), table["target"].to_numpy()

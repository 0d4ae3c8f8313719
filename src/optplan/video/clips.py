"""Clips as datasets: a video of the split, sampled, cut and labelled."""

from collections.abc import Iterator, Sequence
from itertools import chain, islice

import numpy as np
import pandas as pd
import torch
from torch.utils.data import Dataset, IterableDataset, default_collate, get_worker_info

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


class ViewClips:
    """The videos of an evaluation: `num_clips` clips times `num_crops` crops of each (Sec. 5.2).

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
        self.frames, targets = _columns(table)
        self.targets = targets[self.rows]
        self.short_side, self.crop = short_side, crop
        self.num_clips, self.num_crops, self.first = num_clips, num_crops, first

    def __len__(self) -> int:
        return len(self.rows)

    def views(self, number: int) -> Iterator[torch.Tensor]:
        """Each view (C, T, crop, crop) uint8 of a video, clip by clip.

        The video's frames are decoded once, as clips may share them or lie behind the same key
        frame; of the views, which can take many times their memory, there is one at a time.
        """
        row = self.rows[number]
        indices = self._indices(self.frames[row])
        wanted = np.unique(indices)
        frames = self.source.clip(row, wanted)
        boxes = view_boxes(
            *frames.shape[1:3],
            short_side=self.short_side,
            crop=self.crop,
            num_crops=self.num_crops,
        )
        for positions in np.searchsorted(wanted, indices):
            clip = frames[positions]
            for box in boxes:
                yield cut(clip, box, self.crop)

    def _indices(self, num_frames: int) -> np.ndarray:
        if self.first:
            return first_indices(num_frames, self.spec)
        return view_indices(num_frames, self.spec, num_clips=self.num_clips)


class ViewPieces(IterableDataset):
    """All views of some videos of a `ViewClips`, at most `size` at a time.

    As many whole videos as `size` allows make a group, at least one; no piece spans two groups. A
    worker takes every so many-th group, so that the pieces are the same for any number of workers.
    """

    def __init__(self, clips: ViewClips, numbers: Sequence[int], size: int):
        per_video = clips.num_clips * clips.num_crops
        together = max(1, size // per_video)
        self.groups = [numbers[i : i + together] for i in range(0, len(numbers), together)]
        self.clips, self.size, self.per_video = clips, size, per_video

    def __iter__(self) -> Iterator[tuple[int, bool, torch.Tensor]]:
        """(first video of the group, whether it is complete, views (n, C, T, crop, crop))."""
        worker = get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        for group in self.groups[first::step]:
            views = chain.from_iterable(map(self.clips.views, group))
            for left in range(len(group) * self.per_video, 0, -self.size):
                yield group[0], left <= self.size, default_collate([*islice(views, self.size)])


def _columns(table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Frame counts and targets as arrays: lists would grow in every worker process."""
    return table["frames"].to_numpy(), table["target"].to_numpy()

"""Scores of videos: class probabilities averaged over heads and views (Sec. 5.2)."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch.utils.data import DataLoader

from optplan.networks.resnet3d import fused_scores
from optplan.training.devices import Rank
from optplan.video.clips import ViewPieces
from optplan.video.transforms import normalise

KEPT_BYTES = 2**28  # of clips that a process remembers from one validation to the next

Piece = tuple[int, bool, torch.Tensor]


def score_videos(
    network,
    views,
    *,
    batch_size: int,
    rank: Rank = Rank(),  # noqa: B008
    workers: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Scores (N, K) float32 and targets (N,) of the N videos of a `ViewClips`, in its order.

    `batch_size` counts views: a video with many of them is passed through in several pieces. Of
    several ranks each scores its part of the videos; all of them return all scores.
    """
    pieces = view_pieces(views, batch_size=batch_size, rank=rank, workers=workers)
    return score_pieces(network, views, pieces, rank=rank)


def view_pieces(views, *, batch_size: int, rank: Rank, workers: int) -> DataLoader:
    """The views of a rank's videos, as `ViewPieces` gives them."""
    return DataLoader(
        ViewPieces(views, range(rank.number, len(views), rank.count), batch_size),
        batch_size=None,
        num_workers=workers,
        pin_memory=rank.device.type == "cuda",
        in_order=False,  # a video that takes long holds up its own worker only
    )


@torch.inference_mode()
def score_pieces(
    network, views, pieces: Iterable[Piece], *, rank: Rank
) -> tuple[np.ndarray, np.ndarray]:
    """Like `score_videos`, of pieces that are there or come from elsewhere."""
    network.eval()
    parts: defaultdict[int, list[torch.Tensor]] = defaultdict(list)
    scores = {}
    for first, complete, clips in pieces:
        clips = clips.to(rank.device, non_blocking=True)
        with torch.autocast(rank.device.type, torch.bfloat16, enabled=rank.device.type == "cuda"):
            logits = network(normalise(clips))
        parts[first].append(fused_scores(logits.float()))
        if complete:
            each = torch.cat(parts.pop(first))
            per_video = views.num_clips * views.num_crops
            scores[first] = each.unflatten(0, (-1, per_video)).mean(1).cpu()
    own = torch.cat([scores[first] for first in sorted(scores)] or [torch.empty(0)])
    return rank.interleaved(own, len(views)).numpy(), views.targets


class Remembered:
    """Pieces that are decoded once and come from memory afterwards, if they take at most `limit`.

    Validation clips are the same after every epoch. Larger sets are decoded anew each time.
    """

    def __init__(self, pieces: Iterable[Piece], *, limit: int = KEPT_BYTES):
        self.pieces, self.limit = pieces, limit
        self.kept: list[Piece] | None = None

    def __iter__(self) -> Iterator[Piece]:
        if self.kept is not None:
            yield from self.kept
            return
        kept: list[Piece] = []
        size = 0
        for first, complete, clips in self.pieces:
            size += clips.nbytes
            if size > self.limit:
                kept.clear()
            else:
                # What workers hand over takes a file descriptor each, of which there are few.
                own = clips.clone() if clips.is_shared() else clips
                kept.append((first, complete, own))
            yield first, complete, clips
        if size <= self.limit:
            self.kept = kept


def top_k(scores: np.ndarray, targets: np.ndarray, k: int = 1) -> float:
    """Share of videos whose target has one of the `k` top scores; ties and NaN count against."""
    own = scores[np.arange(len(targets)), targets]
    rank = (~(scores < own[:, None])).sum(1)
    return float((rank <= k).mean())

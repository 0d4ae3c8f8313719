"""Scores of videos: class probabilities averaged over heads and views (Sec. 5.2)."""

from collections import defaultdict

import numpy as np
import torch
from torch.utils.data import DataLoader

from optplan.networks.resnet3d import fused_scores
from optplan.training.devices import Rank
from optplan.video.clips import ViewPieces
from optplan.video.transforms import normalise


@torch.inference_mode()
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
    network.eval()
    pieces = ViewPieces(views, range(rank.number, len(views), rank.count), batch_size)
    loader = DataLoader(
        pieces,
        batch_size=None,
        num_workers=workers,
        pin_memory=rank.device.type == "cuda",
        in_order=False,  # a video that takes long holds up its own worker only
    )
    parts: defaultdict[int, list[torch.Tensor]] = defaultdict(list)
    scores = {}
    for first, complete, clips in loader:
        clips = clips.to(rank.device, non_blocking=True)
        with torch.autocast(rank.device.type, torch.bfloat16, enabled=rank.device.type == "cuda"):
            logits = network(normalise(clips))
        parts[first].append(fused_scores(logits.float()))
        if complete:
            each = torch.cat(parts.pop(first))
            scores[first] = each.unflatten(0, (-1, pieces.per_video)).mean(1).cpu()
    own = torch.cat([scores[first] for first in sorted(scores)] or [torch.empty(0)])
    return rank.interleaved(own, len(views)).numpy(), views.targets


def top_k(scores: np.ndarray, targets: np.ndarray, k: int = 1) -> float:
    """Share of videos whose target has one of the `k` top scores; ties and NaN count against."""
    own = scores[np.arange(len(targets)), targets]
    rank = (~(scores < own[:, None])).sum(1)
    return float((rank <= k).mean())

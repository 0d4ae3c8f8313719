"""Scores of videos: class probabilities averaged over heads and views (Sec. 5.2)."""

import numpy as np
import torch
from torch.utils.data import DataLoader

from optplan.networks.resnet3d import fused_scores
from optplan.training.devices import Rank
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

    `batch_size` counts clips: a video with many views is passed through in several pieces. Of
    several ranks each scores its part of the videos; all of them return all scores.
    """
    network.eval()
    per_video = getattr(views, "num_clips", 1) * getattr(views, "num_crops", 1)
    loader = DataLoader(
        views,
        sampler=range(rank.number, len(views), rank.count),
        batch_size=max(1, batch_size // per_video),
        num_workers=workers,
        pin_memory=rank.device.type == "cuda",
    )
    scores, targets = [], []
    for clips, labels in loader:
        parts = []
        for piece in clips.flatten(0, 1).split(batch_size):
            piece = piece.to(rank.device, non_blocking=True)
            with torch.autocast(
                rank.device.type, torch.bfloat16, enabled=rank.device.type == "cuda"
            ):
                logits = network(normalise(piece))
            parts.append(fused_scores(logits.float()))
        scores.append(torch.cat(parts).unflatten(0, clips.shape[:2]).mean(1).cpu())
        targets.append(labels)
    own = [torch.cat(part or [torch.empty(0)]) for part in (scores, targets)]
    all_scores, all_targets = (rank.interleaved(part, len(views)).numpy() for part in own)
    return all_scores, all_targets


def top_k(scores: np.ndarray, targets: np.ndarray, k: int = 1) -> float:
    """Share of videos whose target has one of the `k` top scores; ties and NaN count against."""
    own = scores[np.arange(len(targets)), targets]
    rank = (~(scores < own[:, None])).sum(1)
    return float((rank <= k).mean())

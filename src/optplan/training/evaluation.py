"""Scores of videos: class probabilities averaged over heads and views (Sec. 5.2)."""

import numpy as np
import torch
from torch.utils.data import DataLoader

from optplan.networks.resnet3d import fused_scores
from optplan.video.transforms import normalise


@torch.inference_mode()
def score_videos(
    network, views, *, device: torch.device, batch_size: int, workers: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Scores (N, K) float32 and targets (N,) of the N videos of a `ViewClips`, in its order.

    `batch_size` counts clips: a video with many views is passed through in several pieces.
    """
    network.eval()
    scores, targets = [], []
    videos = max(1, batch_size // _num_views(views))
    for clips, labels in DataLoader(views, batch_size=videos, num_workers=workers):
        flat = clips.flatten(0, 1)
        parts = []
        for piece in flat.split(batch_size):
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                logits = network(normalise(piece.to(device, non_blocking=True)))
            parts.append(fused_scores(logits.float()).cpu())
        scores.append(torch.cat(parts).unflatten(0, clips.shape[:2]).mean(1))
        targets.append(labels)
    return torch.cat(scores).numpy(), torch.cat(targets).numpy()


def top_k(scores: np.ndarray, targets: np.ndarray, k: int = 1) -> float:
    """Share of videos whose target has one of the `k` top scores; ties and NaN count against."""
    own = scores[np.arange(len(targets)), targets]
    rank = (~(scores < own[:, None])).sum(1)
    return float((rank <= k).mean())


def _num_views(views) -> int:
    return getattr(views, "num_clips", 1) * getattr(views, "num_crops", 1)

"""Two modalities as one: the mean of their scores of each video (Table 7)."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from optplan.training.evaluation import top_k


def fuse_scores(files: Sequence[Path]) -> dict:
    """The metrics of the mean of the scores in two or more `scores.npz` of the same test videos.

    Raises ValueError if the videos, or the classes, are not the same, and says how they differ.
    """
    first, *others = [_read(path) for path in files]
    for path, other in zip(files[1:], others, strict=True):
        _check_alike(first, other, f"{files[0]} and {path}")
    scores = np.mean([first["scores"], *(other["scores"] for other in others)], axis=0)
    return {
        "strategy": "fusion",
        "top1": top_k(scores, first["targets"], 1),
        "top5": top_k(scores, first["targets"], min(5, scores.shape[1])),
        "videos": len(scores),
    }


def _read(path: Path) -> dict[str, np.ndarray]:
    """Scores and targets in the order of the videos' names."""
    with np.load(path) as file:
        content = dict(file)
    if "videos" not in content:
        raise ValueError(f"{path} does not name its videos; delete it and evaluate again")
    order = np.argsort(content["videos"])
    return {key: values[order] for key, values in content.items()}


def _check_alike(one: dict, other: dict, files: str):
    lost, gained = (np.setdiff1d(a["videos"], b["videos"]) for a, b in ((one, other), (other, one)))
    if lost.size or gained.size:
        examples = [
            f"{len(names)} are only in the {place} (such as {names[0]})"
            for names, place in ((lost, "first"), (gained, "second"))
            if names.size
        ]
        raise ValueError(
            f"{files} cannot be fused, their test videos differ: {' and '.join(examples)}; both "
            f"experiments need the same videos and the same test set"
        )
    same_classes = one["scores"].shape == other["scores"].shape
    if not same_classes or not np.array_equal(one["targets"], other["targets"]):
        raise ValueError(f"{files} cannot be fused: their classes differ")

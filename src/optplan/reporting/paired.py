"""Is one model better than another? Paired tests over the test videos that both were tested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binomtest, t

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better the first is, in fractions of the videos.

    `low` and `high` bound it with 95 % confidence; `p` is that of no difference. With one seed both
    speak of these two trained models, on other videos: bootstrap over videos, and McNemar's exact
    test. With several they speak of the two methods, on other videos and with other seeds.
    `per_seed` has the difference of each seed.
    """

    mean: float
    low: float
    high: float
    p: float
    per_seed: tuple[float, ...]
    videos: int

    def __str__(self) -> str:
        text = (
            f"{100 * self.mean:+.1f} points (95 % interval {100 * self.low:+.1f} to "
            f"{100 * self.high:+.1f}, {self.test}, {_p(self.p)}, {self.videos} videos"
        )
        if len(self.per_seed) > 1:
            better = sum(value > 0 for value in self.per_seed)
            text += f"; better with {better} of {len(self.per_seed)} seeds"
        return text + ")"

    @property
    def test(self) -> str:
        return "McNemar" if len(self.per_seed) == 1 else "t over seeds and videos"


def correct(scores_file: Path) -> np.ndarray | None:
    """Whether each test video's class has the top score: (N,) bool, from a scores.npz.

    None for a simulated task, which has no videos.
    """
    with Path(scores_file).open("rb") as file:
        if file.read(1) == b"{":
            return None
    with np.load(scores_file) as content:
        scores, targets = content["scores"], content["targets"]
    own = scores[np.arange(len(targets)), targets]
    return (~(scores < own[:, None])).sum(1) == 1


def difference(first: Sequence[np.ndarray], second: Sequence[np.ndarray]) -> Difference:
    """The first model's lead over the second, each given by its correct videos (N,) for each seed.

    ValueError where they were not tested on the same number of videos or seeds.
    """
    ours, theirs = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if ours.shape != theirs.shape:
        raise ValueError(
            f"tested on {ours.shape} and {theirs.shape} (seeds, videos), which cannot be paired"
        )
    gaps = ours - theirs
    low, high, p = _one_seed(gaps[0]) if len(gaps) == 1 else _seeds_and_videos(gaps)
    per_seed = tuple(float(value) for value in gaps.mean(1))
    return Difference(float(gaps.mean()), low, high, p, per_seed, gaps.shape[1])


def _one_seed(gaps: np.ndarray) -> tuple[float, float, float]:
    """(low, high, p) of gaps (N,)."""
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(gaps), (RESAMPLES, len(gaps)), dtype=np.int32)
    low, high = np.quantile(gaps[draws].mean(1), (0.025, 0.975))
    return float(low), float(high), _mcnemar(gaps)


def _seeds_and_videos(gaps: np.ndarray) -> tuple[float, float, float]:
    """(low, high, p) of gaps (S, N), where seeds and videos are both a sample of many.

    A two-way analysis of variance without replication; degrees of freedom as in Hillis, A
    comparison of denominator degrees of freedom methods for multiple observer ROC analysis,
    Statistics in Medicine 26, 2007, with seeds for observers.
    """
    seeds, videos = gaps.shape
    mean, by_seed, by_video = gaps.mean(), gaps.mean(1), gaps.mean(0)
    of_seeds = videos * by_seed.var(ddof=1)
    of_videos = seeds * by_video.var(ddof=1) if videos > 1 else 0.0
    rest = gaps - by_seed[:, None] - by_video + mean
    of_rest = (rest**2).sum() / max((seeds - 1) * (videos - 1), 1)
    variance = of_seeds + max(of_videos - of_rest, 0.0)
    if variance == 0:  # every seed differs in every video alike
        return float(mean), float(mean), float(mean == 0)
    error = np.sqrt(variance / gaps.size)
    freedom = (seeds - 1) * (variance / of_seeds) ** 2 if of_seeds else np.inf
    margin = t.ppf(0.975, freedom) * error
    return float(mean - margin), float(mean + margin), float(2 * t.sf(abs(mean) / error, freedom))


def _mcnemar(gaps: np.ndarray) -> float:
    won, lost = int((gaps > 0).sum()), int((gaps < 0).sum())
    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"

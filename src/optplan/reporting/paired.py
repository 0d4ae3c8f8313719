"""Is one model better than another? Paired tests over the test videos that both were tested on."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.stats import binomtest

RESAMPLES = 10_000


@dataclass(frozen=True, slots=True)
class Difference:
    """How much better the first is, in fractions of the videos.

    `low` and `high` bound 95 % of the bootstrap over videos; `p` is that of no difference: exact
    McNemar for one seed, random signs of the videos' differences for several. `per_seed` has the
    difference of each seed.
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
        return "McNemar" if len(self.per_seed) == 1 else "sign-flip test"


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
    gaps = (ours - theirs).mean(0)  # (N,), over seeds
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(gaps), (RESAMPLES, len(gaps)), dtype=np.int32)
    low, high = np.quantile(gaps[draws].mean(1), (0.025, 0.975))
    per_seed = tuple(float(value) for value in (ours - theirs).mean(1))
    p = _mcnemar(gaps) if len(ours) == 1 else _sign_flips(gaps, rng)
    return Difference(float(gaps.mean()), float(low), float(high), p, per_seed, len(gaps))


def _mcnemar(gaps: np.ndarray) -> float:
    won, lost = int((gaps > 0).sum()), int((gaps < 0).sum())
    return float(binomtest(won, won + lost).pvalue) if won + lost else 1.0


def _sign_flips(gaps: np.ndarray, rng: np.random.Generator) -> float:
    """Share of random signs that give a mean as large; the observed one counts too."""
    gaps = gaps[gaps != 0]
    if not len(gaps):
        return 1.0
    signs = rng.choice([-1.0, 1.0], (RESAMPLES, len(gaps)))
    as_large = np.abs(signs @ gaps) >= abs(gaps.sum()) - 1e-9
    return float((as_large.sum() + 1) / (RESAMPLES + 1))


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"

"""V: what a model is scored by on the validation videos while planning (Sec. 3.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean


@dataclass(frozen=True, slots=True)
class Metric:
    """The mean of the top-k accuracies, as fractions, for every k of `ks`.

    name   in the configuration, and in the knee.json of what it has scored
    key    in plan.yaml
    title  for people
    """

    name: str
    key: str
    title: str
    ks: tuple[int, ...]

    def score(self, entry: Mapping) -> float:
        """V of an epoch, from its entry in curve.jsonl: top1, and top3 and top5 where needed."""
        return fmean(entry[f"top{k}"] for k in self.ks)

    @property
    def mark(self) -> dict:
        """What knee.json says of it: nothing of top-1, which is meant where nothing is said."""
        return {} if self == TOP_1 else {"metric": self.name}


TOP_1 = Metric("top-1", "top1", "top-1", (1,))
TOP_1_3_5 = Metric("top-1-3-5", "mean_of_top1_top3_top5", "mean top-1/3/5", (1, 3, 5))
METRICS = {metric.name: metric for metric in (TOP_1, TOP_1_3_5)}


def metric_of(knee: Mapping) -> Metric:
    """What the scores of a knee.json, or of a candidate in a state's record, are."""
    return METRICS[knee.get("metric", TOP_1.name)]

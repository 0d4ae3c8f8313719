"""What was measured for a cell of the tables: over seeds, and over splits if it has any."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, stdev

import numpy as np

from optplan.places import members
from optplan.planning.strategies import HandTuned
from optplan.reporting.layout import MEASURED, PUBLISHED
from optplan.reporting.paired import Difference, correct, difference
from optplan.reporting.records import costs, read_json, read_yaml
from optplan.reporting.spending import cost_alone, cost_planned, sum_costs
from optplan.study import variant_folders


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Values of one cell, one for each seed: accuracies as fractions.

    `epochs` are those of the training that gave the model (of a fusion, of both its models),
    `seconds` what it cost in all, over all these seeds: the planned path with the planning, a
    hand-tuned one as if trained alone.
    """

    experiment: str
    values: tuple[float, ...]
    videos: int
    epochs: int
    seconds: float
    devices: tuple[str, ...]

    @property
    def mean(self) -> float:
        return mean(self.values)

    @property
    def std(self) -> float | None:
        """Standard deviation over seeds; None of one seed."""
        return stdev(self.values) if len(self.values) > 1 else None

    def percent(self, epochs: bool = False) -> str:
        """As the paper prints it, such as 76.8 (184); with ± the deviation over seeds."""
        text = f"{100 * self.mean:.1f}"
        if self.std is not None:
            text += f" ± {100 * self.std:.1f}"
        return f"{text} ({self.epochs})" if epochs else text

    def record(self, row: str, column: str, commit: str) -> dict:
        """The cell as a line of the CSV, in full precision."""
        return {
            "row": row,
            "column": column,
            "source": MEASURED,
            "experiment": self.experiment,
            "mean": self.mean,
            "std": self.std,
            "seeds": len(self.values),
            "n": self.videos,
            "epochs": self.epochs,
            "seconds": self.seconds,
            "device": ", ".join(self.devices),
            "commit": commit,
        }


def published_record(row: str, column: str, value: float, **more) -> dict:
    """A number of the paper, in the same unit."""
    return {"row": row, "column": column, "source": PUBLISHED, "mean": value} | more


class Results:
    """The results of a study below `root` (results/<study>), as far as its tables ask for them."""

    def __init__(self, root: Path, study: Mapping):
        self.root, self.study = Path(root), study

    def settings(self, name: str) -> Mapping:
        return self.study["experiments"][name]

    def runs(self, name: str) -> list[Path]:
        """Folders of an experiment's seeds."""
        return [self.root / name / f"seed-{seed}" for seed in self.settings(name)["seeds"]]

    def plan(self, name: str, run: Path) -> dict:
        own = self.settings(name)
        if own["plan_of"] is not None:
            return read_yaml(self.root / own["plan_of"] / run.name / "plan.yaml")
        return read_yaml(Path(own["plan"] or run / "plan.yaml"))

    def planned(self, names: Sequence[str], metric: str = "top1") -> Measured:
        """The planned path, the mean of these experiments (splits) or fusions."""
        return _mean([self._planned(name, metric) for name in names])

    def hand_tuned(self, name: str, strategy: str, metric: str = "top1") -> Measured:
        """A hand-tuned strategy."""
        epochs = HandTuned.parse(strategy).epochs
        parts = [cost_alone(run, strategy) for run in self.runs(name)]
        return self._measured(name, self.runs(name), strategy, metric, epochs, parts)

    def best_hand_tuned(self, name: str, strategies: Iterable[str]) -> tuple[str, Measured] | None:
        """The best of these by its mean top-1, of equals the one with fewer epochs."""
        found = [(strategy, self.hand_tuned(name, strategy)) for strategy in strategies]
        return min(found, key=lambda pair: (-pair[1].mean, pair[1].epochs), default=None)

    def variant(self, name: str, variant: str) -> Measured:
        """A variant of the planned path, which the first seed alone has."""
        run = self.runs(name)[0]
        plan = read_yaml(run / "variants" / variant / "plan.yaml")
        parts = [cost_planned(run, plan, searched=False, name=variant)]
        epochs = parts[0]["epochs"]
        folders = variant_folders(str(run), self.settings(name), run / "plan.yaml", variant)
        own = [folder for folder in map(Path, folders) if folder.parent.name == variant]
        parts += [costs(folder / "cost.json" for folder in own)] if own else []
        return self._measured(name, [run], variant, "top1", epochs, parts)

    def lead(self, name: str, other: str, *, runs: int | None = None) -> Difference | None:
        """The lead of the planned path over another strategy; None where there are no videos.

        `runs` takes the first so many seeds only.
        """
        sides = [
            [right for run in self.runs(name)[:runs] if (right := _correct(run, side)) is not None]
            for side in ("planned", other)
        ]
        return difference(*sides) if all(sides) else None

    def _planned(self, name: str, metric: str) -> Measured:
        parts = members(self.study, name)
        if parts != [name]:
            return self._fused(name, parts, metric)
        costs = [self._path_cost(name, run) for run in self.runs(name)]
        epochs = round(mean(self._path_epochs(name, run) for run in self.runs(name)))
        return self._measured(name, self.runs(name), "planned", metric, epochs, costs)

    def _fused(self, name: str, parts: Sequence[str], metric: str) -> Measured:
        """A fusion, which the first seeds of its experiments alone have: the paths of both."""
        metrics = [read_json(self.root / "fusion" / f"{name}.json")]
        firsts = [(part, self.runs(part)[0]) for part in parts]
        epochs = sum(self._path_epochs(part, run) for part, run in firsts)
        costs = [self._path_cost(part, run) for part, run in firsts]
        return _measured(name, metrics, metric, epochs, costs)

    def _path_cost(self, name: str, run: Path) -> dict:
        searched = not self.settings(name)["plan"]
        return cost_planned(run, self.plan(name, run), searched=searched)

    def _path_epochs(self, name: str, run: Path) -> int:
        """As many as were trained again: more than planned, where the path goes on to a loss."""
        return cost_planned(run, self.plan(name, run), searched=False)["epochs"]

    def _measured(self, name, runs, strategy: str, metric: str, epochs: int, costs) -> Measured:
        metrics = [read_json(run / "evaluation" / strategy / "metrics.json") for run in runs]
        return _measured(name, metrics, metric, epochs, costs)


def _measured(name: str, metrics: Sequence[Mapping], metric: str, epochs: int, costs) -> Measured:
    total = sum_costs(costs)
    values = tuple(float("nan") if m[metric] is None else m[metric] for m in metrics)
    return Measured(
        experiment=name,
        values=values,
        videos=metrics[0]["videos"],
        epochs=epochs,
        seconds=total["seconds"],
        devices=tuple(sorted(total["devices"])),
    )


def _correct(run: Path, strategy: str) -> np.ndarray | None:
    return correct(run / "evaluation" / strategy / "scores.npz")


def _mean(parts: Sequence[Measured]) -> Measured:
    """The mean over splits, seed by seed."""
    if len(parts) == 1:
        return parts[0]
    seeds = min(len(part.values) for part in parts)
    return Measured(
        experiment="+".join(part.experiment for part in parts),
        values=tuple(float(np.mean([part.values[k] for part in parts])) for k in range(seeds)),
        videos=sum(part.videos for part in parts),
        epochs=round(mean(part.epochs for part in parts)),
        seconds=sum(part.seconds for part in parts),
        devices=tuple(sorted({device for part in parts for device in part.devices})),
    )

"""What `measure.py` wrote, together by set, network and seed."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from optplan.reporting.records import read_json

NETWORKS = {"p3d": "P3D", "g_p3d": "G-P3D", "dg_p3d": "DG-P3D"}
PLANNERS = {"paper": "planned (paper)", "economical": "planned (economical)", "tpe": "TPE"}
TO_LOSS = "planned (paper), to the loss"
LONGER = "best of grid, as long as the plan"
AS_PLANNED = "planned (paper), not retrained"


@dataclass(frozen=True, slots=True)
class Cell:
    """One set, network and seed; `content` is what was measured, by method."""

    experiment: str
    network: str
    seed: int
    content: dict

    def right(self, method: str) -> np.ndarray:
        """Whether the retrained path of a planner, or a strategy, is right: (N,) of 0 and 1."""
        if method == TO_LOSS:
            runs = self.content["retraining"]["runs"]
            own = (run for run in runs if run["seed"] == self.seed and run["rule"] == "loss")
            return digits_of(next(own)["right"])
        if method == LONGER:
            return digits_of(self.content["longer"]["right"])
        if method == AS_PLANNED:
            return digits_of(self.content["paper"]["right"])
        if method in PLANNERS:
            return digits_of(self.content[method]["retrained"]["right"])
        return digits_of(self.content["grid"]["strategies"][method]["right"])

    def has(self, method: str) -> bool:
        """Whether that was measured here."""
        if method in self.strategies or method == AS_PLANNED:
            return True
        return {TO_LOSS: "retraining", LONGER: "longer"}.get(method, method) in self.content

    def cost(self, method: str, key: str = "frames") -> float:
        """Of finding and retraining a path, or of a strategy alone."""
        if method in PLANNERS:
            own = self.content[method]
            return own["cost"][key] + own["retrained"]["cost"][key]
        return self.content["grid"]["strategies"][method]["cost"][key]

    def grid_cost(self, key: str = "frames") -> float:
        """Of every hand-tuned strategy alone, as the paper counts it."""
        return sum(self.cost(name, key) for name in self.strategies)

    @property
    def strategies(self) -> list[str]:
        return list(self.content["grid"]["strategies"])


def digits_of(text: str) -> np.ndarray:
    return np.array(list(text), dtype=int)


def read_cells(files: Iterable[str]) -> list[Cell]:
    """From files <set>/<network>/seed-<n>/<method>.json with a plan and a grid, in order."""
    found: dict[Path, dict] = {}
    for path in map(Path, files):
        found.setdefault(path.parent, {})[path.stem] = read_json(path)
    return [
        Cell(folder.parents[1].name, folder.parent.name, int(folder.name[5:]), content)
        for folder, content in sorted(found.items())
        if content.keys() >= {"paper", "grid"}
    ]


def groups(cells: Iterable[Cell]) -> dict[tuple[str, str], list[Cell]]:
    """Cells of a set and a network together, seeds in order."""
    found: dict[tuple[str, str], list[Cell]] = {}
    for cell in sorted(
        cells, key=lambda c: (c.experiment, -list(NETWORKS).index(c.network), c.seed)
    ):
        found.setdefault((cell.experiment, cell.network), []).append(cell)
    return found

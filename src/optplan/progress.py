"""Lines a person can follow: which transition of how many, epoch, accuracy, time left."""

import sys
import time
from datetime import datetime
from pathlib import Path

from optplan.config import graph
from optplan.reporting.records import read_json

SECONDS_BETWEEN_LINES = 10


class Reporter:
    """Writes every epoch to the log of a job, and to the terminal not more often than is of use.

    Args:
        name: what is trained.
        run: folder of the experiment's run, results/<study>/<experiment>/seed-<n>.
        log: file for all lines.
        settings: the experiment's, where the transitions of a plan are to be counted.
    """

    def __init__(self, name: str, *, run: Path, log, settings: dict | None = None):
        self.name, self.run, self.log = name, Path(run), Path(log)
        self.total = len(graph(settings).transitions) if settings else 0
        self.shown = self.began = time.monotonic()
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._note(f"{name}, {datetime.now():%Y-%m-%d %H:%M:%S}")

    def epoch(self, entry: dict, decision):
        """Called after every epoch."""
        parts = [f"epoch {entry['epoch']:3d}", f"loss {entry['loss']:.3f}"]
        if decision is not None:
            parts.append(f"top-1 {entry['top1']:6.1%}")
            if decision.identified:
                parts.append(f"knee at {decision.best_epoch} ({decision.fitted:.1%})")
        line = "  ".join(parts)
        self._note(line)
        if time.monotonic() - self.shown >= SECONDS_BETWEEN_LINES:
            self.shown = time.monotonic()
            self._print(line)

    def finished(self, knee: dict):
        """Called when a transition has found its knee."""
        self._print(
            f"done after {knee['trained_epochs']} epochs ({knee['reason']}), "
            f"t* = {knee['epochs']}, top-1 {knee['fitted']:.1%}{self._remaining()}"
        )

    def _remaining(self) -> str:
        """How many transitions are done, and how long the others will take at the same pace."""
        if not self.total:
            return ""
        folder = self.run / "transitions"
        costs = [read_json(path) for path in folder.glob("*/cost.json")]
        left = self.total - len(costs)
        if left <= 0:
            return f"; {len(costs)} of {self.total} transitions"
        side_by_side = 1 + len(list(folder.glob("*/work.lock")))
        mean = sum(cost["seconds"] for cost in costs) / max(len(costs), 1)
        minutes = mean * left / side_by_side / 60
        return (
            f"; {len(costs)} of {self.total} transitions, about {minutes:.0f} min of this plan left"
        )

    def _note(self, line: str):
        with self.log.open("a") as file:
            file.write(line + "\n")

    def _print(self, line: str):
        experiment = self.run.parent.name
        print(f"{experiment:>8}  {self.name:<24} {line}", file=sys.stderr, flush=True)

"""Lines a person can follow: which transition of how many, epoch, accuracy, time left."""

from __future__ import annotations

import sys
import time
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from optplan.config import graph
from optplan.files import link_or_copy
from optplan.planning.metric import TOP_1, Metric
from optplan.planning.selection import distinct_transitions
from optplan.reporting.records import read_json
from optplan.study import read_records

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

    from optplan.planning.states import TransitionGraph

# A terminal is watched; a file, as under Slurm, is read afterwards.
SECONDS_BETWEEN_LINES = 10 if sys.stderr.isatty() else 60


class Reporter:
    """Writes every epoch to the log of a job, and to the terminal not more often than is of use.

    Where TensorBoard is installed, also to events below `tensorboard`, beside the log.

    Args:
        name: what is trained.
        run: folder of the experiment's run, results/<study>/<experiment>/seed-<n>.
        log: file for all lines; made with the first one.
        kept: where the lines are kept for a job that goes on after an interruption: Snakemake
            removes the log of a job that it starts again.
        settings: the experiment's, where the transitions of a plan are to be counted.
        metric: what epochs are scored by, where they are.
    """

    def __init__(
        self,
        name: str,
        *,
        run: Path,
        log,
        kept: Path | None = None,
        settings: dict | None = None,
        metric: Metric = TOP_1,
    ):
        self.name, self.run, self.log = name, Path(run), Path(log)
        self.kept, self.metric = kept or self.log, metric
        self.graph = graph(settings) if settings else None
        self.shown = self.epoch_began = time.monotonic()
        self.begun = False
        self.board: SummaryWriter | None = None
        if self.kept.exists():
            link_or_copy(self.kept, self.log)

    def clips(self, epoch: int, done: int, total: int):
        """Called after every step of an epoch with the numbers of its clips."""
        now = time.monotonic()
        if now - self.shown >= SECONDS_BETWEEN_LINES:
            left = (now - self.epoch_began) * (total - done) / done
            self._print(f"epoch {epoch:3d}  {done / total:4.0%}, {left / 60:.1f} min left of it")
        if done == total:
            self.epoch_began = now

    def epoch(self, entry: dict, decision, cost: dict):
        """Called after every epoch."""
        parts = [f"epoch {entry['epoch']:3d}", f"loss {entry['loss']:.3f}"]
        if decision is not None:
            parts.append(f"{self.metric.title} {self.metric.score(entry):6.1%}")
            if decision.identified:
                parts.append(f"knee at {decision.best_epoch} ({decision.fitted:.1%})")
        line = "  ".join(parts)
        waiting = cost["data_seconds"] / max(cost["seconds"], 1e-9)
        self._note(f"{line}  {cost['seconds']:.0f} s so far, {waiting:.0%} waiting for clips")
        if time.monotonic() - self.shown >= SECONDS_BETWEEN_LINES:
            self._print(line)
        self._draw(entry, decision, waiting)
        self.epoch_began = time.monotonic()

    def finished(self, knee: dict):
        """Called when a transition has found its knee."""
        self._print(
            f"done after {knee['trained_epochs']} epochs ({knee['reason']}), "
            f"t* = {knee['epochs']}, {self.metric.title} {knee['fitted']:.1%}{self._remaining()}"
        )

    def _remaining(self) -> str:
        """How many transitions are done, and how long the others will take at the same pace."""
        if self.graph is None:
            return ""
        total, folder = len(self.graph.transitions), self.run / "transitions"
        costs = {path.parent.name: read_json(path) for path in folder.glob("*/cost.json")}
        skipped = self._skipped(self.graph) - costs.keys()
        text = f"; {len(costs)} of {total} transitions"
        if skipped:
            text += f", {len(skipped)} skipped"
        left = total - len(costs) - len(skipped)
        if left <= 0:
            return text
        # The job that says this still has its own lock; one on a simulated task never has any.
        side_by_side = max(1, len(list(folder.glob("*/work.lock"))))
        mean = sum(cost["seconds"] for cost in costs.values()) / max(len(costs), 1)
        return f"{text}, about {mean * left / side_by_side / 60:.0f} min of this plan left"

    def _skipped(self, whole: TransitionGraph) -> set[str]:
        """The transitions that will not be trained, as far as that is decided."""
        records = read_records(self.run)
        entries = [entry for record in records.values() for entry in record["skipped"]]
        models = {name: record["model"] for name, record in records.items() if record["model"]}
        for state in whole.states:
            incoming = whole.incoming(state)
            sources = {transition.source_name for transition in incoming if transition.source}
            if state.name not in records and sources <= models.keys():
                entries += distinct_transitions(incoming, models)[1]
        return {entry["transition"] for entry in entries}

    def _draw(self, entry: dict, decision, waiting: float):
        if self.board is None and find_spec("tensorboard"):
            from torch.utils.tensorboard import SummaryWriter  # training has imported torch

            self.board = SummaryWriter(self.log.parent / "tensorboard" / self.log.stem)
        if self.board is not None:
            values = {"loss": entry["loss"], "waiting": waiting}
            if decision is not None:
                values[self.metric.name] = self.metric.score(entry)
            if decision is not None and decision.identified:
                knee = {"epoch": decision.best_epoch, self.metric.name: decision.fitted}
                values |= {f"knee/{name}": value for name, value in knee.items()}
            for name, value in values.items():
                self.board.add_scalar(name, value, entry["epoch"])
            self.board.flush()

    def _note(self, line: str):
        if not self.begun:
            self.begun = True
            line = f"{self.name}, {datetime.now():%Y-%m-%d %H:%M:%S}\n{line}"
        self.kept.parent.mkdir(parents=True, exist_ok=True)
        with self.kept.open("a") as file:
            file.write(line + "\n")
        link_or_copy(self.kept, self.log)

    def _print(self, line: str):
        self.shown = time.monotonic()
        experiment = self.run.parent.name
        print(f"{experiment:>8}  {self.name:<24} {line}", file=sys.stderr, flush=True)

"""What a stage leaves on disk while it trains, so that an interruption costs less than an epoch.

`epoch-<t>.pt` holds the weights after epoch t: any epoch may still become t*, the knee can move far
back late in a stage. `snapshot.pt` holds the rest: optimiser, curve, cost, and the settings it
belongs to; random numbers follow from the epoch's number. Of a finished stage, the curve and the
weights of t* are kept. Files are written under another name and renamed, so a file that exists is
whole; should a disk lose part of one all the same, there is the snapshot of the epoch before,
`before.pt`.
"""

import hashlib
import io
import os
import shutil
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import torch

from optplan.files import link_or_copy, write_bytes


def save(value, path: Path):
    """Write `value` with torch so that equal values give equal bytes, all or nothing."""
    buffer = io.BytesIO()  # a file's name would otherwise become part of its content
    torch.save(value, buffer)
    write_bytes(buffer.getvalue(), path)


def load(path: Path):
    """Read tensors and plain values; never executes code from the file."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise ValueError(f"{path} cannot be read as weights: {error}") from error


# The first is there for a moment only, between two renames.
NEWEST_FIRST = ("next.pt", "snapshot.pt", "before.pt")


# The source that decides what a stage leaves; not the rest, such as tables, figures and messages.
TRAINS = (
    *("assignments.py", "config.py", "processes.py"),
    *(f"{folder}/**/*.py" for folder in ("networks", "planning", "training", "video")),
)


class Snapshots:
    """The work folder of one stage with the given settings.

    Raises:
        ValueError: if the folder holds a snapshot of other settings; names what differs.
    """

    def __init__(self, folder: Path, settings: dict):
        self.folder, self.settings = Path(folder), settings
        self.folder.mkdir(parents=True, exist_ok=True)

    def save(self, epoch: int, weights: dict, optimiser: dict, curve: list[dict], cost: dict):
        save(weights, self.weights_path(epoch))
        self._write(optimiser, curve, cost, finished_by=None)

    def restore(self) -> dict | None:
        """The last snapshot, or None where there is none.

        A finished stage of other settings or other code has served its turn and is removed.
        """
        snapshot = self._last()
        if snapshot is None:
            return None
        old, new = flatten(snapshot["settings"]), flatten(self.settings)
        differing = [key for key in {**old, **new} if old.get(key) != new.get(key)]
        if snapshot["finished_by"] and (differing or snapshot["finished_by"] != code_digest()):
            shutil.rmtree(self.folder)
            self.folder.mkdir()
            return None
        if differing:
            changes = ", ".join(f"{k}: {old.get(k)!r} -> {new.get(k)!r}" for k in differing)
            raise ValueError(
                f"{self.folder} holds a half-trained stage of another configuration ({changes}); "
                f"go back to that configuration, or delete the folder to train afresh"
            )
        return snapshot

    def finish(self, best: int, curve: list[dict], cost: dict, keep: Iterable[int] = ()):
        """Keep what gives the stage's result again without training: weights of `best`, curve.

        Weights of the epochs `keep` stay too. A run that is killed before Snakemake has taken note
        of a finished stage starts it again.
        """
        self._write(None, curve, cost, finished_by=code_digest())
        kept = {self.weights_path(epoch) for epoch in (best, *keep)}
        for path in [*self.folder.glob("epoch-*"), self.folder / "before.pt"]:
            if path not in kept:
                path.unlink(missing_ok=True)

    def export(self, epoch: int, path: Path):
        """Give the weights of an epoch out as `path`: the same file where the disk allows it."""
        link_or_copy(self.weights_path(epoch), path)
        os.utime(path)  # Snakemake compares it with the times of the inputs

    def weights(self, epoch: int) -> dict:
        return load(self.weights_path(epoch))

    def weights_path(self, epoch: int) -> Path:
        return self.folder / f"epoch-{epoch:04d}.pt"

    def _last(self) -> dict | None:
        """The snapshot of the last epoch that can be read, with that epoch's weights."""
        unreadable = []
        for path in (self.folder / name for name in NEWEST_FIRST):
            if not path.exists():
                continue
            try:
                snapshot = load(path)
                if not snapshot["finished_by"]:
                    self.weights(snapshot["cost"]["epochs"])
                return snapshot
            except ValueError as error:
                unreadable.append(error)
                print(f"{error}; looking for the epoch before", file=sys.stderr, flush=True)
        if unreadable:
            raise ValueError(f"{unreadable[0]}; delete {self.folder} to train afresh")
        return None

    def _write(self, optimiser: dict | None, curve: list[dict], cost: dict, **finished):
        rest = {"optimiser": optimiser, "curve": curve, "cost": cost, "settings": self.settings}
        newest, last, before = (self.folder / name for name in NEWEST_FIRST)
        save(rest | finished, newest)
        with suppress(FileNotFoundError):
            last.replace(before)
        newest.replace(last)


def code_digest() -> str:
    """SHA-256 of the source that trains: a finished stage is given again only by the same code."""
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for part in TRAINS:
        for path in sorted(package.glob(part)):
            digest.update(path.relative_to(package).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()


def flatten(value, prefix: str = "") -> dict:
    """A nested dictionary as one level of dotted keys."""
    if not isinstance(value, dict):
        return {prefix: value}
    pairs = [flatten(v, f"{prefix}.{k}" if prefix else str(k)) for k, v in value.items()]
    return {key: item for pair in pairs for key, item in pair.items()}

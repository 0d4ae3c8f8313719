"""Where a study's numbers come from: versions, commit, configuration, data, devices, time."""

import hashlib
import platform
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from optplan import __version__
from optplan.reporting.records import COUNTS, read_json

ROOT = Path(__file__).parents[2]
PACKAGES = ("torch", "torchvision", "numpy", "scipy", "av", "decord", "snakemake")


def commit() -> str:
    """The commit of this source, with -dirty after changes; the version where there is no git."""
    if (ROOT / ".git").exists():  # an installed copy may lie in somebody else's repository
        command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=12"]
        with suppress(OSError, subprocess.CalledProcessError):
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            return done.stdout.strip()
    return f"version {__version__}"


def provenance(root: Path, study: Mapping) -> dict:
    """All of it, for the results below `root` (results/<study>), from what lies there."""
    root = Path(root)
    return {
        "study": study["study"],
        "commit": commit(),
        "versions": {"optplan": __version__, "python": platform.python_version(), **_versions()},
        "configuration": dict(study),
        "experiments": {
            name: _experiment(root / name)
            for name in study["experiments"]
            if (root / name).is_dir()
        },
    }


def _experiment(folder: Path) -> dict:
    """What an experiment was trained on, where, and what it took in all."""
    costs = [read_json(path) for path in sorted(folder.glob("seed-*/**/cost.json"))]
    return {
        "data": {path.name: _digest(path) for path in sorted((folder / "data").glob("*.tsv"))},
        "initial": {
            path.parent.name: _digest(path) for path in sorted(folder.glob("seed-*/initial.pt"))
        },
        "devices": sorted({cost["device"] for cost in costs}),
        "jobs": len(costs),
        **{key: sum(cost[key] for cost in costs) for key in COUNTS},
    }


def _versions() -> dict[str, str]:
    found = {}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return "sha256:" + hashlib.file_digest(file, "sha256").hexdigest()

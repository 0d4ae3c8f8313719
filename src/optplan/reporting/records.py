"""Reading what a run has written: curves, JSON and YAML records, and the cost of training."""

import json
from collections.abc import Iterable
from pathlib import Path

import yaml

from optplan.planning.metric import TOP_1, Metric

COUNTS = ("epochs", "frames_trained", "frames_evaluated", "seconds")


def read_json(path: str | Path) -> dict:
    """The content of a JSON file; ValueError with its name when it is not JSON."""
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON: {error}") from error


def read_yaml(path: str | Path) -> dict:
    """The content of a YAML file; ValueError with its name when it is not YAML."""
    try:
        return yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from error


def read_curve(path: str | Path, metric: Metric = TOP_1) -> list[float]:
    """The scores (fractions) of epochs 0, 1, ... from a curve.jsonl.

    Raises ValueError when a line is not JSON, or the epochs do not count from 0 without a gap.
    """
    scores: list[float] = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), start=1):
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise ValueError(f"{path}, line {number} is not JSON: {error}") from error
        if row["epoch"] != len(scores):
            raise ValueError(
                f"{path}, line {number} has epoch {row['epoch']}, it must be {len(scores)}"
            )
        scores.append(metric.score(row))
    return scores


def costs(paths: Iterable[Path]) -> dict:
    """The sum of cost.json files: epochs, frames trained and evaluated, seconds; and "devices".

    "devices" is the set of all devices that took part. ValueError when there is no file at all,
    because nothing is not the same as free.
    """
    parts = [read_json(path) for path in paths]
    if not parts:
        raise ValueError("there is no cost.json to sum up")
    total = {key: sum(part[key] for part in parts) for key in COUNTS}
    return total | {"devices": {part["device"] for part in parts}}


def digits(value: float) -> str:
    """Three significant digits, without an exponent and without invented decimals."""
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"

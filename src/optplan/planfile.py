"""plan.yaml, the product of planning: readable, and replayable without the planner."""

import hashlib
import math
from pathlib import Path

import yaml

from optplan.config import graph, stage_settings
from optplan.planning.metric import METRICS, TOP_1, Metric, metric_of
from optplan.planning.selection import plan
from optplan.planning.states import State
from optplan.reporting.records import read_json
from optplan.study import read_record
from optplan.video.index import read_table


def write_plan(record_files, split, settings: dict, *, experiment: str, seed: int, output: str):
    """Write the path to the better final state, what it is expected to reach, and what it cost.

    `split` is the file of the split; empty for a simulated task. Everything in the plan follows
    from the seed and the data: no times, which cost.json has.
    """
    records = {record["state"]: record for record in map(read_record, record_files)}
    chosen = plan(records, graph(settings))
    videos = settings["data"]["validation_videos"]
    if split:
        videos = int((read_table(split)["subset"] == "val").sum())
    candidates = [c for record in records.values() for c in record["candidates"]]
    content = {
        "experiment": experiment,
        "seed": seed,
        "sampling": State.parse(chosen["final"]).sampling,
        "final": chosen["final"],
        "expected": _expected(chosen["score"], METRICS[settings["knee"]["metric"]], videos),
        "path": [
            _step(settings, step, records[step["state"]]["candidates"][0])
            for step in chosen["path"]
        ],
        "finals": {final["state"]: final["score"] for final in chosen["finals"]},
        "cost": {
            "transitions": len(candidates),
            "bounded": sum(c["reason"] == "bounded" for c in candidates),
            "skipped": sum(len(record["skipped"]) for record in records.values()),
            "epochs": sum(c["trained_epochs"] for c in candidates),
            "frames": sum(c["frames"] for c in candidates),
        },
        "states": settings["states"],
        "training": {
            key: settings["training"][key] for key in ("freeze_bn_from", "frozen_rate_scale")
        },
        "network": settings["network"],
        "split_sha256": hashlib.sha256(Path(split).read_bytes()).hexdigest() if split else None,
    }
    Path(output).write_text(yaml.safe_dump(content, sort_keys=False))


def write_variant_plan(knee_files, plan: str, settings: dict, *, variant: str, output: str):
    """Write the plan of a variant path, from where the epochs of its stages were determined.

    Stages of 0 epochs stay in it, they pass their weights on.
    """
    knees = [read_json(path) for path in knee_files]
    steps = [{"state": knee["target"], "epochs": knee["epochs"]} for knee in knees]
    content = {
        "variant": variant,
        "of": plan,
        "sampling": State.parse(steps[-1]["state"]).sampling,
        "final": steps[-1]["state"],
        "expected": {metric_of(knees[-1]).key: knees[-1]["fitted"]},
        "path": [_step(settings, *one) for one in zip(steps, knees, strict=True)],
    }
    Path(output).write_text(yaml.safe_dump(content, sort_keys=False))


def _expected(score: float, metric: Metric, videos: int) -> dict:
    """The score that the planned path may reach, with its binomial standard error.

    Of a mean of several top-k that is an upper bound: no variable between 0 and 1 scatters more.
    """
    error = "standard_error" if metric == TOP_1 else "standard_error_at_most"
    deviation = math.sqrt(max(score * (1 - score), 0.0) / videos)
    return {metric.key: score, error: deviation, "videos": videos}


def _step(settings: dict, step: dict, knee: dict) -> dict:
    """A stage of a path, with why its training stopped in planning and its loss at t*."""
    stage = stage_settings(settings, State.parse(step["state"]), name="", seed=0)
    keys = ("sampling", "frames", "learning_rate", "freeze_bn")
    own = {key: stage[key] for key in keys}
    if knee.get("loss") is not None:  # a simulated task has none
        own["loss"] = knee["loss"]
    return {"state": step["state"], "epochs": step["epochs"], "stopped": knee["reason"]} | own

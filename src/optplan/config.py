"""The configuration: defaults from the schema, checks that a schema cannot make, derived settings.

Never imports torch: a dry run reads the configuration too.
"""

import hashlib
from copy import deepcopy
from pathlib import Path

import yaml
from jsonschema import Draft202012Validator

from optplan.planning.states import State, TransitionGraph
from optplan.planning.strategies import HandTuned, StageSpec
from optplan.video.sampling import ClipSpec

SCHEMA = Path(__file__).parents[2] / "config" / "schema.yaml"


def resolve(config: dict) -> dict:
    """The whole configuration with every default filled in, checked.

    `defaults` is merged into every experiment, and the schema's own defaults into what is left
    open. Returns {"study", "seed", "experiments": {name: settings}}.

    Raises:
        ValueError: for an unknown key, a value of the wrong kind or one that cannot work; the
            message names the key, the value and what would be right.
    """
    schema = yaml.safe_load(SCHEMA.read_text())
    _check(config, schema, "")
    experiments = {}
    for name, own in config["experiments"].items():
        settings = _merge(config.get("defaults", {}), own or {})
        settings = _fill(settings, schema["$defs"]["experiment"])
        _check(
            settings,
            {**schema["$defs"]["experiment"], "$defs": schema["$defs"]},
            f"experiments.{name}.",
        )
        check_experiment(settings, f"experiments.{name}")
        experiments[name] = settings
    return {
        "study": config.get("study", "study"),
        "seed": config.get("seed", 1),
        "experiments": experiments,
    }


def check_experiment(settings: dict, where: str):
    """What a schema cannot say."""
    states, data = settings["states"], settings["data"]
    if data["format"] == "folder" and not data["root"]:
        raise ValueError(f"{where}.data.root is missing: the folder with one folder per class")
    if data["format"] == "folder" and not Path(data["root"]).is_dir():
        raise ValueError(f"{where}.data.root: {data['root']!r} is not a folder")
    if data["format"] == "embedded" and data["name"] not in ("motion", "order"):
        raise ValueError(f"{where}.data.name: {data['name']!r} must be 'motion' or 'order'")
    for key, rising in (("clip_lengths", True), ("learning_rates", False)):
        values = states[key]
        ordered = sorted(set(values), reverse=not rising)
        if list(values) != ordered:
            raise ValueError(
                f"{where}.states.{key}: {values} must strictly {'rise' if rising else 'fall'}, "
                f"as in {ordered}"
            )
    for length in states["clip_lengths"]:
        if length % 4:
            raise ValueError(
                f"{where}.states.clip_lengths: {length} is no multiple of 4, the stride in time of "
                f"the network's stem"
            )
        ClipSpec(sampling="us", length=length, snippet=states["snippet"])
    training = settings["training"]
    if training["batch_size"] % training["micro_batch"]:
        raise ValueError(
            f"{where}.training.batch_size: {training['batch_size']} is no multiple of micro_batch "
            f"({training['micro_batch']})"
        )
    for name in settings["strategies"]:
        strategy = HandTuned.parse(name)
        if max(strategy.lengths) > len(states["clip_lengths"]):
            raise ValueError(
                f"{where}.strategies: {name!r} uses clip length l{max(strategy.lengths)}, but only "
                f"{len(states['clip_lengths'])} are given"
            )


def graph(settings: dict) -> TransitionGraph:
    """The transition graph of one experiment (Sec. 3.2)."""
    states = settings["states"]
    return TransitionGraph(
        tuple(states["sampling"]),
        len(states["clip_lengths"]),
        len(states["learning_rates"]),
        states["graph"],
        states["starts"],
    )


def clip_spec(settings: dict, sampling: str, length: int) -> ClipSpec:
    """How the clips of a state are cut: `length` is the index into clip_lengths, from 1."""
    states = settings["states"]
    return ClipSpec(
        sampling=sampling,
        length=states["clip_lengths"][length - 1],
        stride=states["stride"],
        snippet=states["snippet"],
    )


def stage_settings(
    settings: dict, stage: State | StageSpec, *, name: str, seed: int, epochs: int | None = None
) -> dict:
    """Everything that decides what a stage trains, and nothing else (Sec. 5.2).

    `name` makes its random numbers its own. `epochs` is None where the knee decides.
    """
    states, training = settings["states"], settings["training"]
    frames = states["clip_lengths"][stage.length - 1]
    frozen = training["freeze_bn_from"] is not None and frames >= training["freeze_bn_from"]
    rate = states["learning_rates"][stage.rate - 1]
    return {
        "sampling": stage.sampling,
        "frames": frames,
        "stride": states["stride"],
        "snippet": states["snippet"],
        "learning_rate": rate * (training["frozen_rate_scale"] if frozen else 1.0),
        "schedule": getattr(stage, "schedule", "constant"),
        "epochs": epochs,
        "freeze_bn": frozen,
        "batch_size": training["batch_size"],
        "micro_batch": training["micro_batch"],
        "momentum": training["momentum"],
        "weight_decay": training["weight_decay"],
        "clip_norm": training["clip_norm"],
        "seed": int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4]),
    }


def stopper_settings(settings: dict, *, from_start: bool) -> dict:
    """Arguments of the `KneeStopper` of a transition; start transitions wait for longer."""
    knee = settings["knee"]
    return {
        "delay": knee["delay"],
        "min_epochs": knee["min_epochs_start" if from_start else "min_epochs"],
        "max_epochs": knee["max_epochs"],
        "family": knee["family"],
    }


def _merge(base: dict, own: dict) -> dict:
    """`own` over `base`, level by level."""
    merged = deepcopy(base)
    for key, value in own.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _merge(merged[key], value) if both else deepcopy(value)
    return merged


def _fill(settings: dict, schema: dict) -> dict:
    """The settings with the schema's default wherever a key is left open."""
    filled = dict(settings)
    for key, leaf in schema["properties"].items():
        if leaf.get("type") == "object":
            group = filled.get(key) or {}
            filled[key] = _fill(group, leaf) if isinstance(group, dict) else group
        elif key not in filled and "default" in leaf:
            filled[key] = deepcopy(leaf["default"])
    return filled


def _check(config: dict, schema: dict, where: str):
    errors = sorted(Draft202012Validator(schema).iter_errors(config), key=lambda e: list(e.path))
    if not errors:
        return
    error = errors[0]
    key = (where + ".".join(str(part) for part in error.path)).rstrip(".") or "the top level"
    if error.validator == "additionalProperties":
        unknown = ", ".join(sorted(set(error.instance) - set(error.schema["properties"])))
        allowed = ", ".join(error.schema["properties"])
        raise ValueError(f"configuration: {key} has no key {unknown}; allowed: {allowed}")
    raise ValueError(f"configuration: {key}: {error.message}")

"""The configuration: defaults from the schema, and the settings that follow from it.

Never imports torch: a dry run reads the configuration too.
"""

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path

import yaml

from optplan.checks import check_experiment
from optplan.places import check_places, missing_data
from optplan.planning.states import State, TransitionGraph
from optplan.planning.strategies import PAPER_EPOCHS, StageSpec, paper_grid
from optplan.schema import check_schema
from optplan.study_checks import check_study
from optplan.video.official import facts
from optplan.video.sampling import ClipSpec

SCHEMA = Path(__file__).parent / "shipped" / "schema.yaml"  # config/, also in a wheel
PRESETS = SCHEMA.with_name("presets.yaml")
GENERAL = ("study", "seed", "skip_missing")  # keys of the whole study


def resolve(config: dict) -> dict:
    """The whole configuration with every default filled in, checked.

    `defaults` is merged into every experiment. What is left open is taken from the preset, the
    plan, the facts of the data set and the schema's own defaults, in this order. Returns {"study",
    "seed", "skip_missing", "tables", "experiments": {name: settings}, "fusions"}. The `plan` of an
    experiment with `plan_of` is the file that the other experiment's plan will be written to, with
    the first seed; `given_plan` has those of the others.

    Raises:
        ValueError: for an unknown key, a value of the wrong kind or one that cannot work; the
            message names the key, the value and what would be right.
    """
    schema = yaml.safe_load(SCHEMA.read_text())
    check_schema(config, schema, "")
    study = {key: config.get(key, schema["properties"][key]["default"]) for key in GENERAL}
    study["tables"] = _fill(config.get("tables", {}), schema["properties"]["tables"])
    defaults, experiments = config.get("defaults", {}), {}
    for name, own in config["experiments"].items():
        lent = _lent(config, own or {}, schema["$defs"]["experiment"])
        settings = _merge(_merge(defaults, lent), own or {})
        settings = _completed(settings, schema["$defs"]["experiment"])
        where = f"experiments.{name}"
        wanted = {**schema["$defs"]["experiment"], "$defs": schema["$defs"]}
        check_schema(settings, wanted, f"{where}.")
        settings = _expanded(settings, study["seed"])
        if not (study["skip_missing"] and missing_data(settings["data"])):
            check_experiment(settings, where)
        experiments[name] = settings
    study |= {"experiments": experiments, "fusions": config.get("fusions", {})}
    check_study(experiments, study["fusions"])
    for name, settings in experiments.items():
        settings["plan"] = given_plan(study, name, settings["seeds"][0])
    check_places(study)
    return study


def given_plan(study: Mapping, name: str, seed: int) -> str | None:
    """The plan that a seed of the experiment `name` replays, of another one that of the same seed.

    None where it plans itself.
    """
    settings = study["experiments"][name]
    if settings["plan_of"] is None:
        return settings["plan"]
    return f"results/{study['study']}/{settings['plan_of']}/seed-{seed}/plan.yaml"


def graph(settings: Mapping) -> TransitionGraph:
    """The transition graph of one experiment (Sec. 3.2)."""
    states = settings["states"]
    return TransitionGraph(
        tuple(states["sampling"]),
        len(states["clip_lengths"]),
        len(states["learning_rates"]),
        states["graph"],
        states["starts"],
    )


def clip_spec(settings: Mapping, sampling: str, length: int) -> ClipSpec:
    """How the clips of a state are cut: `length` is the index into clip_lengths, from 1."""
    states = settings["states"]
    return ClipSpec(
        sampling=sampling,
        length=states["clip_lengths"][length - 1],
        stride=states["stride"],
        snippet=states["snippet"],
    )


def planning_spec(settings: Mapping, sampling: str, length: int) -> ClipSpec:
    """How the clip is cut that planning evaluates of a state with `length`, as in `clip_spec`."""
    if settings["video"]["planning_clip"] == "first-longest":
        length = len(settings["states"]["clip_lengths"])
    return clip_spec(settings, sampling, length)


def stage_settings(
    settings: Mapping, stage: State | StageSpec, *, name: str, seed: int, epochs: int | None = None
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
        "loss_weight": training["loss_weight"],
        "clip_norm": training["clip_norm"],
        "sync_bn": training["sync_bn"],
        "seed": int.from_bytes(hashlib.sha256(f"{seed}/{name}".encode()).digest()[:4]),
    }


def stopper_settings(settings: Mapping, *, from_start: bool, rival: float | None = None) -> dict:
    """Arguments of the `KneeStopper` of a transition; start transitions wait for longer.

    `rival` is the best score so far into the same state, where it is a bound.
    """
    knee = settings["knee"]
    bound = {} if rival is None else {"rival": rival, "slack": settings["planning"]["bound"]}
    return bound | {
        "delay": knee["delay"],
        "min_epochs": knee["min_epochs_start" if from_start else "min_epochs"],
        "max_epochs": knee["max_epochs"],
        "family": knee["family"],
    }


def _expanded(settings: dict, seed: int) -> dict:
    """The settings with every seed and every hand-tuned strategy by name."""
    seeds, strategies = settings["seeds"], settings["strategies"]
    if isinstance(seeds, int):
        seeds = list(range(seed, seed + seeds))
    if not isinstance(strategies, list):
        epochs = PAPER_EPOCHS if strategies == "paper" else strategies["epochs"]
        states = settings["states"]
        sizes = len(states["clip_lengths"]), len(states["learning_rates"])
        strategies = [strategy.name for strategy in paper_grid(*sizes, epochs)]
    return settings | {"seeds": seeds, "strategies": strategies}


def flow_settings(settings: dict) -> dict:
    """Method and short side in px of an experiment's optical flow."""
    short_side = settings["flow"]["short_side"] or settings["video"]["short_side"][0]
    return {"method": settings["flow"]["method"], "short_side": short_side}


def _lent(config: dict, own: dict, schema: dict) -> dict:
    """The stages of the experiment whose plan is taken, with what its preset and data set say.

    They come before the defaults, and before the facts of the borrower's own data set.
    """
    defaults, experiments = config.get("defaults", {}), config["experiments"]
    name = _merge(defaults, own).get("plan_of")
    if not isinstance(name, str) or name not in experiments:
        return {}  # nothing is taken, or from nowhere: see check_study
    lender = _completed(_merge(defaults, experiments[name] or {}), schema)
    training = lender["training"]
    stages = training if isinstance(training, dict) else {}
    stages = {key: stages[key] for key in ("freeze_bn_from", "frozen_rate_scale") if key in stages}
    return {"states": lender["states"], "training": stages}


def _completed(settings: dict, schema: dict) -> dict:
    """The settings with what their preset, plan and data set say, and the schema's defaults."""
    return _fill(_with_facts(_with_plan(_with_preset(settings))), schema)


def _with_preset(settings: dict) -> dict:
    """The settings merged over those of their preset; a wrong name is left to the schema."""
    presets = yaml.safe_load(PRESETS.read_text())
    name = settings.get("preset", "paper")
    return _merge(presets.get(name, {}) if isinstance(name, str) else {}, settings)


def _with_plan(settings: dict) -> dict:
    """The settings with what the plan to replay says about its stages, where they are left open."""
    try:
        plan = yaml.safe_load(Path(settings["plan"]).read_text())
        brought = {key: plan[key] for key in ("states", "training") if key in plan}
        return _merge(brought, settings)
    except (KeyError, TypeError, OSError, AttributeError, yaml.YAMLError):
        return settings  # there is no plan, or none that could be replayed: see check_experiment


def _with_facts(settings: dict) -> dict:
    """The settings merged over what Table 2 and the like say of an official data set."""
    data = settings.get("data")
    known = facts(data.get("format")) if isinstance(data, dict) else None
    return _merge(known["settings"], settings) if known else settings


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
        if "properties" in leaf:
            group = {} if filled.get(key) is None else filled[key]
            filled[key] = _fill(group, leaf) if isinstance(group, dict) else group
        elif key not in filled and "default" in leaf:
            filled[key] = deepcopy(leaf["default"])
    return filled

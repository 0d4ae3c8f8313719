"""Checks of an experiment's settings: each mistake is a ValueError that says what would be right.

The message names the key, the value and the remedy. Never imports torch.
"""

import re
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import yaml

from optplan.planning.states import State
from optplan.planning.strategies import HandTuned, stage_name
from optplan.schema import hint
from optplan.video.official import check_official, facts

NAME_MAX = 255  # characters of a file's name, on common file systems
NETWORKS = ("p3d", "g_p3d", "dg_p3d", "i3d")  # optplan.networks.zoo, which imports torch


def check_experiment(settings: dict, where: str):
    """ValueError for settings that fit the schema, but not each other or the files there are.

    `settings` are those of one experiment with every default filled in, `where` is its place.
    """
    _check_data(settings["data"], f"{where}.data")
    _check_states(settings["states"], f"{where}.states")
    _check_samplings(settings, f"{where}.states.snippet")
    _check_training(settings["training"], f"{where}.training")
    _check_video(settings["video"], f"{where}.video")
    _check_prepare(settings, f"{where}.data.prepare")
    _check_knee(settings["knee"], f"{where}.knee")
    _check_metric(settings, f"{where}.knee.metric")
    _check_bound(settings, f"{where}.planning.bound")
    _check_network(settings["network"], f"{where}.network")
    _check_weights(settings["network"], f"{where}.network.weights")
    _check_blocks(settings["network"], f"{where}.network.blocks")
    _check_strategies(settings, f"{where}.strategies")
    _check_plan(settings, f"{where}.plan")
    _check_modality(settings, where)


def _check_data(data: dict, where: str):
    if facts(data["format"]) is not None:
        check_official(data, where)
        return
    for key, idle in (("annotations", None), ("split", 1)):
        if data[key] != idle:
            raise ValueError(
                f"{where}.{key}: {data[key]!r} has no use with format {data['format']}, which has "
                f"no official lists; leave it out"
            )
    if data["format"] != "folder":
        if data["format"] == "embedded" and data["name"] not in ("motion", "order"):
            raise ValueError(f"{where}.name: {data['name']!r} must be 'motion' or 'order'")
        if data["root"] is not None:
            raise ValueError(
                f"{where}.root: {data['root']!r} has no use with format {data['format']}, which "
                f"brings its own data; leave it out, or write format: folder"
            )
    elif not data["root"]:
        raise ValueError(
            f"{where}.root is missing: the folder with one folder per class (formats embedded "
            f"and simulated do without)"
        )
    elif not Path(data["root"]).is_dir():
        raise ValueError(f"{where}.root: {data['root']!r} is not a folder")
    if data["index"] is not None:
        _check_file(data["index"], f"{where}.index", "give a CSV with a row per video, or null")


def _check_states(states: dict, where: str):
    for key, rising in (("clip_lengths", True), ("learning_rates", False)):
        ordered = sorted(set(states[key]), reverse=not rising)
        if list(states[key]) != ordered:
            raise ValueError(
                f"{where}.{key}: {states[key]} must strictly {'rise' if rising else 'fall'}, "
                f"as in {ordered}"
            )
    for length in states["clip_lengths"]:
        if length % 4:
            raise ValueError(
                f"{where}.clip_lengths: {length} is no multiple of 4, the stride in time of the "
                f"network's stem"
            )
        if length % states["snippet"]:
            raise ValueError(
                f"{where}.snippet: {states['snippet']} does not divide {length}, one of "
                f"clip_lengths"
            )


def _check_samplings(settings: dict, where: str):
    """Planning must not search two samplings whose clips are the same frames (Sec. 3.1)."""
    states = settings["states"]
    replayed = settings["plan"] is not None or settings["plan_of"] is not None
    if replayed or settings["data"]["format"] == "simulated" or states["stride"] > 1:
        return
    if {"cs", "us"} <= set(states["sampling"]) and states["snippet"] in states["clip_lengths"]:
        raise ValueError(
            f"{where}: {states['snippet']} is one of clip_lengths; a uniform clip of this length "
            f"is one snippet, which is a consecutive clip; write snippet: 1, or search one sampling"
        )


def _check_training(training: dict, where: str):
    if training["batch_size"] % training["micro_batch"]:
        raise ValueError(
            f"{where}.batch_size: {training['batch_size']} is no multiple of micro_batch "
            f"({training['micro_batch']})"
        )


def _check_video(video: dict, where: str):
    low, high = video["short_side"]
    if low > high:
        raise ValueError(f"{where}.short_side: {[low, high]} must rise, as in {[high, low]}")
    for crop, side, size in (
        ("crop", "the least short_side", low),
        ("crop", "planning_short_side", video["planning_short_side"]),
        ("evaluation_crop", "evaluation_short_side", video["evaluation_short_side"]),
    ):
        if video[crop] > size:
            raise ValueError(f"{where}.{crop}: {video[crop]} must be at most {side} ({size})")


def _check_prepare(settings: dict, where: str):
    """Prepared videos are at least as large as the frames that are cut from them."""
    data, video = settings["data"], settings["video"]
    if data["prepare"] is None:
        return
    if data["format"] == "simulated":
        raise ValueError(
            f"{where}: {data['prepare']} has no use with format simulated; leave it out"
        )
    sides = {
        "the least short_side": video["short_side"][0],
        "planning_short_side": video["planning_short_side"],
        "evaluation_short_side": video["evaluation_short_side"],
    }
    for name, side in sides.items():
        if data["prepare"] < side:
            raise ValueError(
                f"{where}: {data['prepare']} must be at least {name} ({side}), or frames would be "
                f"reduced and enlarged again"
            )


def _check_knee(knee: dict, where: str):
    for key in ("min_epochs", "min_epochs_start"):
        if knee["max_epochs"] < knee[key]:
            raise ValueError(
                f"{where}.max_epochs: {knee['max_epochs']} must be at least {key} ({knee[key]})"
            )


def _check_metric(settings: dict, where: str):
    metric, simulated = settings["knee"]["metric"], settings["data"]["format"] == "simulated"
    if simulated and metric != "top-1":
        raise ValueError(f"{where}: {metric!r}: a simulated task has no other score than top-1")


def _check_bound(settings: dict, where: str):
    if settings["planning"]["bound"] is not None and settings["knee"]["score"] != "fitted":
        raise ValueError(
            f"{where}: {settings['planning']['bound']} bounds fitted scores, but knee.score is "
            f"{settings['knee']['score']!r}; write fitted, or bound: null"
        )


def _check_network(network: dict, where: str):
    """One of Sec. 4, or a module that is there; it is not imported, as it will import torch."""
    name = network["name"]
    if name in NETWORKS:
        return
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*", name):
        raise ValueError(
            f"{where}.name: {name!r} must be one of {', '.join(NETWORKS)}, or module:function for "
            f"a network of your own{hint(name, NETWORKS)}"
        )
    module, _ = name.split(":")
    folders = [str(Path.cwd()), *sys.path]
    for part in module.split("."):
        found = PathFinder.find_spec(part, folders)
        if found is None:
            raise ValueError(
                f"{where}.name: {name!r}: there is no module {module!r} in {Path.cwd()}, where "
                f"Snakemake was started, nor among Python's packages"
            )
        folders = list(found.submodule_search_locations or [])
    if network["weights"] is not None:
        raise ValueError(
            f"{where}.weights: {network['weights']!r} is for the networks of Sec. 4; one of your "
            f"own loads its weights itself: write null"
        )


def _check_weights(network: dict, where: str):
    if network["weights"] not in (None, "imagenet"):
        _check_file(network["weights"], where, "give null, imagenet or a file of weights")
    elif network["weights"] == "imagenet" and network["body"] == "small":
        raise ValueError(f"{where}: there are no imagenet weights of body small; give null")


def _check_blocks(network: dict, where: str):
    if network["name"] == "i3d" and network["blocks"] != "A":
        raise ValueError(f"{where}: {network['blocks']} are blocks of P3D, i3d has none; give A")


def _check_strategies(settings: dict, where: str):
    for name in settings["strategies"]:
        try:
            stages = HandTuned.parse(name).stages
        except ValueError as error:
            raise ValueError(f"{where}: {error}") from None
        _check_reach(stages, settings["states"], f"{where}: {name!r}")
        log = f"{stage_name(stages)}.log"  # its longest file name
        if len(log) > NAME_MAX:
            raise ValueError(
                f"{where}: {name!r} has {len(stages)} stages, and a file named after them would "
                f"have {len(log)} characters in its name, at most {NAME_MAX} are possible; give "
                f"fewer clip lengths or learning rates"
            )


def _check_plan(settings: dict, where: str):
    """A plan to replay is there, and its states exist with the settings it is replayed with."""
    file = settings["plan"]
    if file is None:
        return
    if settings["variants"]:
        raise ValueError(f"{where}: a plan that is replayed has no variants; write variants: false")
    _check_file(file, where, "give the plan.yaml of a finished study, or null to plan")
    try:
        path = yaml.safe_load(Path(file).read_text())["path"]
        states = [State.parse(step["state"]) for step in path]
    except (KeyError, TypeError, ValueError, yaml.YAMLError):
        raise ValueError(f"{where}: {file!r} is not a plan: it has no path of states") from None
    _check_reach(states, settings["states"], f"{where}: {file!r}")


def _check_modality(settings: dict, where: str):
    if settings["modality"] == "rgb":
        return
    if settings["data"]["format"] == "simulated":
        raise ValueError(
            f"{where}.modality: a simulated task has no videos and so no flow; give rgb"
        )
    if settings["video"]["augmentation"] != "paper":
        raise ValueError(
            f"{where}.video.augmentation: {settings['video']['augmentation']!r} changes colours, "
            f"which flow does not have; write paper"
        )
    if settings["flow"]["short_side"] is None and settings["video"]["short_side"][0] < 16:
        raise ValueError(
            f"{where}.flow.short_side is the least video.short_side, "
            f"{settings['video']['short_side'][0]}: too small for flow; give at least 16"
        )
    if settings["network"]["name"] not in NETWORKS:
        raise ValueError(
            f"{where}.modality: flow is for the networks {', '.join(NETWORKS)}; one of your own "
            f"({settings['network']['name']!r}) sees RGB"
        )


def _check_reach(stages, states: dict, what: str):
    """ValueError if a stage has a clip length or a learning rate that `states` does not have."""
    for index, one, key in (
        ("length", "clip length l", "clip_lengths"),
        ("rate", "learning rate r", "learning_rates"),
    ):
        used = max((getattr(stage, index) for stage in stages), default=0)
        if used > len(states[key]):
            raise ValueError(
                f"{what} uses {one}{used}, but states.{key} has only {len(states[key])}"
            )


def _check_file(file: str, where: str, instead: str):
    if not Path(file).is_file():
        raise ValueError(f"{where}: there is no file {file!r} in {Path.cwd()}; {instead}")

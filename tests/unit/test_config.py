import subprocess
import sys
from pathlib import Path

import yaml

from optplan.config import (
    SCHEMA,
    clip_spec,
    flow_settings,
    graph,
    planning_spec,
    resolve,
    stage_settings,
    stopper_settings,
)
from optplan.planning.strategies import HandTuned

DEFAULT = Path(__file__).parents[2] / "config" / "config.yaml"
# These hold other settings, or say which experiments there are.
GROUPS = {"data", "flow", "network", "states", "training", "compute", "video"} | {
    "knee",
    "planning",
}
OPEN = {"experiments", "defaults", "tables"} | GROUPS


def one(**own) -> dict:
    """A configuration with the experiment "a" on an embedded set."""
    data = {"format": "embedded", "name": "motion"} | own.pop("data", {})
    return {"experiments": {"a": {"data": data, **own}}}


def settings_of(**own) -> dict:
    return resolve(one(**own))["experiments"]["a"]


def leaves(schema: dict, prefix: str = ""):
    for key, leaf in schema["properties"].items():
        yield prefix + key, leaf
        if "properties" in leaf:
            yield from leaves(leaf, f"{prefix}{key}.")


def test_an_experiments_own_values_win_over_the_defaults_key_by_key():
    config = one(training={"batch_size": 32})
    config["defaults"] = {"training": {"batch_size": 64, "micro_batch": 8}}
    training = resolve(config)["experiments"]["a"]["training"]
    assert (training["batch_size"], training["micro_batch"], training["momentum"]) == (32, 8, 0.9)


def test_resolving_leaves_the_given_configuration_alone():
    config = one()
    resolve(config)["experiments"]["a"]["states"]["clip_lengths"].append(1)
    assert config == one()
    assert settings_of()["states"]["clip_lengths"] == [16, 32, 64]


def test_every_key_of_the_schema_is_described_and_has_a_default():
    schema = yaml.safe_load(SCHEMA.read_text())
    found = [*leaves(schema), *leaves(schema["$defs"]["experiment"])]
    groups = {key for key, leaf in found if "properties" in leaf}
    assert {key for key, leaf in found if "description" not in leaf} <= groups
    assert {key for key, leaf in found if "default" not in leaf} == OPEN


def test_the_default_study_resolves_to_itself():
    study = resolve(yaml.safe_load(DEFAULT.read_text()))
    assert list(study["experiments"]) == ["motion", "order"]
    assert resolve(study) == study


def test_every_state_trains_with_the_same_effective_batch():
    settings = settings_of(strategies=["us-l1-l2-cosine-10"])
    stages = [*graph(settings).states, *HandTuned.parse("us-l1-l2-cosine-10").stages]
    batches = {stage_settings(settings, s, name="n", seed=1)["batch_size"] for s in stages}
    assert batches == {256}


def test_a_plan_of_another_experiment_brings_its_stages_and_is_where_it_will_be_written():
    config = one(states={"clip_lengths": [8, 16]}, training={"freeze_bn_from": 16})
    config["defaults"] = {"states": {"clip_lengths": [4, 8, 16]}}
    config["experiments"]["b"] = {"plan_of": "a", "data": config["experiments"]["a"]["data"]}
    study = resolve(config | {"study": "s", "seed": 5})
    one_, other = (study["experiments"][name] for name in "ab")
    assert other["states"] == one_["states"]
    assert other["states"]["clip_lengths"] == [8, 16]
    assert other["training"]["freeze_bn_from"] == 16
    assert (one_["plan"], other["plan"]) == (None, "results/s/a/seed-5/plan.yaml")


def test_a_plan_of_another_data_set_brings_the_stages_of_that_set():
    lists = {"root": "videos", "annotations": "lists"}
    experiments = {
        "kinetics": {"data": lists | {"format": "kinetics400"}},
        "hmdb51": {"data": lists | {"format": "hmdb51"}, "plan_of": "kinetics"},
        "plain": {"data": lists | {"format": "hmdb51"}},
    }
    study = resolve({"experiments": experiments, "skip_missing": True})["experiments"]
    assert study["plain"]["states"]["clip_lengths"] == [16, 32, 64]
    assert study["hmdb51"]["states"] == study["kinetics"]["states"]
    assert study["hmdb51"]["states"]["clip_lengths"] == [16, 32, 128]
    assert study["hmdb51"]["states"]["learning_rates"][0] == 0.04
    assert study["hmdb51"]["network"] == study["plain"]["network"]


def test_what_an_experiment_says_itself_comes_before_what_a_plan_of_another_brings():
    config = one(states={"learning_rates": [0.1, 0.01]})
    own = {"plan_of": "a", "states": {"learning_rates": [0.2, 0.02]}}
    config["experiments"]["b"] = config["experiments"]["a"] | own
    assert resolve(config)["experiments"]["b"]["states"]["learning_rates"] == [0.2, 0.02]


def test_flow_is_computed_at_the_least_size_of_training_unless_another_is_given():
    small = {"short_side": [130, 170], "crop": 112}
    assert flow_settings(settings_of(video=small)) == {"method": "tvl1", "short_side": 130}
    given = settings_of(flow={"method": "dis", "short_side": 100})
    assert flow_settings(given) == {"method": "dis", "short_side": 100}


def test_batch_norm_is_frozen_from_the_given_clip_length_on():
    settings = settings_of(training={"freeze_bn_from": 32, "frozen_rate_scale": 0.5})
    for state in graph(settings).states:
        stage = stage_settings(settings, state, name="n", seed=1)
        rate = settings["states"]["learning_rates"][state.rate - 1]
        assert stage["frames"] == clip_spec(settings, state.sampling, state.length).length
        assert stage["freeze_bn"] == (stage["frames"] >= 32)
        assert stage["learning_rate"] == (rate / 2 if stage["freeze_bn"] else rate)


def test_planning_evaluates_the_states_own_clip_length_or_the_longest():
    lengths = {}
    for clip in ("centric", "first-longest"):
        settings = settings_of(video={"planning_clip": clip})
        lengths[clip] = [planning_spec(settings, "us", length).length for length in (1, 2, 3)]
    assert lengths == {"centric": [16, 32, 64], "first-longest": [64, 64, 64]}


def test_the_random_numbers_of_a_stage_follow_from_the_seed_and_its_name():
    settings = settings_of()
    state = graph(settings).states[0]
    named = [("x", 1), ("x", 1), ("y", 1), ("x", 2)]
    seeds = [stage_settings(settings, state, name=n, seed=s)["seed"] for n, s in named]
    assert seeds[0] == seeds[1]
    assert len(set(seeds)) == 3


def test_start_transitions_wait_for_longer_before_they_may_stop():
    settings = settings_of(knee={"min_epochs": 5, "min_epochs_start": 9})
    waits = [stopper_settings(settings, from_start=start)["min_epochs"] for start in (False, True)]
    assert waits == [5, 9]


def test_importing_the_configuration_does_not_import_torch():
    code = "import sys, optplan.config, optplan.study; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_seeds_are_counted_from_the_studys_or_listed():
    assert resolve(one(seeds=3) | {"seed": 5})["experiments"]["a"]["seeds"] == [5, 6, 7]
    assert settings_of(seeds=[4, 2])["seeds"] == [4, 2]
    assert settings_of()["seeds"] == [1]


def test_the_papers_grid_has_sixty_strategies_and_any_numbers_of_epochs():
    assert len(settings_of(strategies="paper")["strategies"]) == 60
    few = settings_of(strategies={"epochs": [12]}, states={"clip_lengths": [8, 16]})
    assert few["strategies"] == [
        *("cs-l1-l2-3-step-12", "cs-l1-l2-cosine-12"),
        *("us-l1-l2-3-step-12", "us-l1-l2-cosine-12"),
    ]

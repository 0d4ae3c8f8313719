import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from optplan.config import SCHEMA, clip_spec, graph, resolve, stage_settings, stopper_settings
from optplan.planning.strategies import HandTuned

DEFAULT = Path(__file__).parents[2] / "config" / "config.yaml"
# These hold other settings, or say which experiments there are.
OPEN = {"experiments", "defaults", "data", "network", "states", "training", "video", "knee"}


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


@pytest.mark.parametrize(
    ("config", "place", "key", "allowed"),
    [
        (one() | {"sed": 1}, "the top level", "sed", "seed"),
        (one(strategy=[]), "experiments.a", "strategy", "strategies"),
        (one(states={"clip_length": [4]}), "experiments.a.states", "clip_length", "clip_lengths"),
        (one() | {"defaults": {"plans": None}}, "experiments.a", "plans", "plan"),
    ],
)
def test_an_unknown_key_is_named_with_what_is_allowed(config, place, key, allowed):
    with pytest.raises(ValueError, match=rf"{place} has no key {key}; allowed: .*\b{allowed}\b"):
        resolve(config)


@pytest.mark.parametrize("rates", [[0.01, 0.1], [0.1, 0.1], [0.1, 0.01, 0.02]])
def test_learning_rates_that_do_not_fall_are_refused(rates):
    with pytest.raises(ValueError, match=r"a\.states\.learning_rates: .* must strictly fall"):
        settings_of(states={"learning_rates": rates})


@pytest.mark.parametrize("lengths", [[16, 8], [8, 8]])
def test_clip_lengths_that_do_not_rise_are_refused(lengths):
    with pytest.raises(ValueError, match=r"a\.states\.clip_lengths: .* must strictly rise"):
        settings_of(states={"clip_lengths": lengths})


def test_a_clip_length_that_is_no_multiple_of_4_is_refused():
    with pytest.raises(ValueError, match=r"a\.states\.clip_lengths: 10 is no multiple of 4"):
        settings_of(states={"clip_lengths": [8, 10], "snippet": 1})


def test_a_snippet_that_does_not_divide_a_clip_is_refused():
    with pytest.raises(ValueError, match="8 frames cannot be cut into snippets of 3"):
        settings_of(states={"clip_lengths": [8], "snippet": 3})


def test_a_missing_root_is_asked_for():
    with pytest.raises(ValueError, match=r"experiments\.a\.data\.root is missing"):
        settings_of(data={"format": "folder"})


def test_a_root_that_is_no_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"a\.data\.root: '.*nowhere' is not a folder"):
        settings_of(data={"format": "folder", "root": str(tmp_path / "nowhere")})


@pytest.mark.parametrize("name", ["motions", None])
def test_an_unknown_embedded_set_is_named_with_the_known_ones(name):
    with pytest.raises(ValueError, match=rf"{name!r} must be 'motion' or 'order'"):
        settings_of(data={"name": name})


def test_a_batch_that_is_no_multiple_of_the_micro_batch_is_refused():
    with pytest.raises(ValueError, match=r"batch_size: 24 is no multiple of micro_batch \(16\)"):
        settings_of(training={"batch_size": 24, "micro_batch": 16})


def test_a_strategy_beyond_the_clip_lengths_is_refused():
    with pytest.raises(ValueError, match="uses clip length l3, but only 2 are given"):
        settings_of(states={"clip_lengths": [8, 16]}, strategies=["cs-l1-l3-cosine-48"])


def test_a_strategy_that_cannot_be_read_is_refused_with_an_example():
    with pytest.raises(ValueError, match="'fast' names no strategy: write cs-l1"):
        settings_of(strategies=["fast"])


def test_a_number_that_yaml_reads_as_text_is_named():
    config = yaml.safe_load(
        "experiments: {a: {data: {format: embedded, name: motion}, states: "
        "{learning_rates: [1e-3]}}}"
    )
    with pytest.raises(ValueError, match=r"a\.states\.learning_rates\.0: '1e-3' is not of type"):
        resolve(config)


@pytest.mark.parametrize(
    "own", [[1], "text", {"data": 5}, {"states": [4]}, {"training": {"batch_size": "many"}}]
)
def test_a_value_of_the_wrong_kind_is_a_named_value_error(own):
    with pytest.raises(ValueError, match=r"experiments\.a.* is not of type"):
        resolve({"experiments": {"a": own}})


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


def test_batch_norm_is_frozen_from_the_given_clip_length_on():
    settings = settings_of(training={"freeze_bn_from": 32, "frozen_rate_scale": 0.5})
    for state in graph(settings).states:
        stage = stage_settings(settings, state, name="n", seed=1)
        rate = settings["states"]["learning_rates"][state.rate - 1]
        assert stage["frames"] == clip_spec(settings, state.sampling, state.length).length
        assert stage["freeze_bn"] == (stage["frames"] >= 32)
        assert stage["learning_rate"] == (rate / 2 if stage["freeze_bn"] else rate)


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

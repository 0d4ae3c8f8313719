import pytest
import yaml

from optplan.config import resolve


def one(**own) -> dict:
    """A configuration with the experiment "a" on an embedded set."""
    data = {"format": "embedded", "name": "motion"} | own.pop("data", {})
    return {"experiments": {"a": {"data": data, **own}}}


def settings_of(**own) -> dict:
    return resolve(one(**own))["experiments"]["a"]


@pytest.mark.parametrize(
    ("config", "place", "key", "meant"),
    [
        (one() | {"sed": 1}, "the top level", "sed", "seed"),
        (one(strategy=[]), "experiments.a", "strategy", "strategies"),
        (one(states={"clip_length": [4]}), "experiments.a.states", "clip_length", "clip_lengths"),
        (one() | {"defaults": {"plans": None}}, "experiments.a", "plans", "plan"),
    ],
)
def test_an_unknown_key_is_named_with_what_was_meant_and_what_is_allowed(config, place, key, meant):
    message = rf"{place} has no key {key} \(did you mean {meant}\?\); allowed: .*\b{meant}\b"
    with pytest.raises(ValueError, match=message):
        resolve(config)


def test_an_unknown_key_that_is_like_no_other_gets_no_hint():
    with pytest.raises(ValueError, match=r"a\.knee has no key 7, unheard; allowed: delay, "):
        settings_of(knee={"unheard": 1, 7: 1})


@pytest.mark.parametrize("name", [1, True, "a b"])
def test_an_experiments_name_that_makes_no_folder_is_refused(name):
    with pytest.raises(ValueError, match=rf"experiments: '?{name}'? (is not of type|does not mat)"):
        resolve({"experiments": {name: one()["experiments"]["a"]}})


@pytest.mark.parametrize(
    "own",
    [[1], "text", {"data": 5}, {"states": [4]}, {"knee": []}, {"training": {"batch_size": "many"}}],
)
def test_a_value_of_the_wrong_kind_is_a_named_value_error(own):
    with pytest.raises(ValueError, match=r"experiments\.a.* is not of type"):
        resolve({"experiments": {"a": own}})


@pytest.mark.parametrize(
    ("group", "key", "text", "number"),
    [
        ("states", "learning_rates", "[1e-3]", "0.001"),
        ("training", "weight_decay", "1e-5", "1.0e-05"),
        ("training", "batch_size", "1e3", "1000"),
        ("data", "validation_fraction", "'0.25'", "0.25"),
        ("network", "dropout", ".5e0", "0.5"),
    ],
)
def test_a_number_that_yaml_reads_as_text_is_named_with_how_to_write_it(group, key, text, number):
    own = yaml.safe_load(f"{group}: {{{key}: {text}}}")
    message = rf"a\.{group}\.{key}.* is text for YAML, not a number; write {number} .*as in 1\.0e-3"
    with pytest.raises(ValueError, match=message):
        settings_of(**own)
    assert yaml.safe_load(number) == float(text.strip("[]'"))


@pytest.mark.parametrize(
    ("group", "key", "value", "kind"),
    [
        ("training", "batch_size", 16.0, "integer"),
        ("training", "batch_size", True, "integer"),
        ("training", "weight_decay", float("nan"), "number"),
    ],
)
def test_only_integers_are_integers_and_only_numbers_are_numbers(group, key, value, kind):
    with pytest.raises(ValueError, match=rf"a\.{group}\.{key}: {value} is not of type '{kind}'"):
        settings_of(**{group: {key: value}})

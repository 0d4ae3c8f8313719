import pytest

from optplan.config import resolve

MOTION = {"data": {"format": "embedded", "name": "motion"}}
SIMULATED = {"data": {"format": "simulated"}}


def study(fusions=None, **experiments):
    return resolve({"experiments": experiments, "fusions": fusions or {}})


def test_an_experiment_may_take_the_plan_of_another_and_be_fused_with_it():
    found = study({"both": ["rgb", "flow"]}, rgb=MOTION, flow=MOTION | {"plan_of": "rgb"})
    assert found["fusions"] == {"both": ["rgb", "flow"]}


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"plan_of": "rbg"}, r"flow\.plan_of: there is no experiment 'rbg' \(did you mean rgb\?\)"),
        ({"plan_of": "flow"}, r"flow\.plan_of: 'flow' makes no plan itself"),
        ({"plan_of": "rgb", "variants": True}, r"'rgb' cannot be combined with variants; leave"),
        (
            {"plan_of": "rgb", "states": {"clip_lengths": [16, 32]}},
            r"'rgb' has 3 states\.clip_lengths, this one only 2",
        ),
    ],
)
def test_a_plan_that_cannot_be_taken_from_another_experiment_is_refused(own, message):
    with pytest.raises(ValueError, match=message):
        study(rgb=MOTION, flow=MOTION | own)


@pytest.mark.parametrize("key", ["plan_of", "weights_of"])
def test_each_seed_takes_from_another_experiment_what_the_same_seed_makes(key):
    study(rgb=MOTION | {"seeds": 3}, flow=MOTION | {key: "rgb", "seeds": [3, 1]})
    message = rf"flow\.{key}: this experiment has seeds 1, 2, 3, the other one only 1; give it 2, 3"
    with pytest.raises(ValueError, match=message):
        study(rgb=MOTION, flow=MOTION | {key: "rgb", "seeds": 3})


@pytest.mark.parametrize(
    ("experiments", "message"),
    [
        ({"a": {"weights_of": "a"}}, r"a\.weights_of: 'a' would wait for itself \(a -> a\)"),
        ({"a": {"weights_of": "b"}}, r"a\.weights_of: there is no experiment 'b'"),
        (
            {"a": {"weights_of": "b"}, "b": {"weights_of": "a"}},
            r"b\.weights_of: 'a' would wait for itself \(a -> b -> a\)",
        ),
        (
            {"c": {"weights_of": "b"}, "a": {"plan_of": "b"}, "b": {"weights_of": "a"}},
            r"b\.weights_of: 'a' would wait for itself \(a -> b -> a\)",
        ),
    ],
)
def test_an_experiment_that_would_wait_for_itself_is_refused(experiments, message):
    with pytest.raises(ValueError, match=message):
        study(**{name: MOTION | own for name, own in experiments.items()})


def test_a_plan_is_taken_from_an_experiment_that_makes_it(tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("path: [{state: cs-l1-r1, epochs: 1}]")
    replayed = MOTION | {"plan": str(plan)}
    with pytest.raises(ValueError, match=r"flow\.plan_of: 'rgb' makes no plan itself; name an ex"):
        study(rgb=replayed, flow=MOTION | {"plan_of": "rgb"})
    with pytest.raises(ValueError, match=r"flow\.plan_of: 'rgb' cannot be combined with plan"):
        study(rgb=MOTION, flow=replayed | {"plan_of": "rgb"})


@pytest.mark.parametrize(
    ("fusions", "message"),
    [
        ({"both": ["rgb", "flwo"]}, r"fusions\.both: there is no experiment 'flwo' .*mean flow"),
        ({"both": ["rgb", "rgb"]}, r"fusions\.both: .* has non-unique elements"),
        ({"both": ["rgb"]}, r"fusions\.both: .* is too short"),
        ({"rgb": ["rgb", "flow"]}, r"fusions\.rgb: an experiment has this name"),
        ({"both": ["rgb", "toy"]}, r"fusions\.both: 'toy' is simulated and has no scores"),
    ],
)
def test_a_fusion_that_cannot_be_is_refused_with_its_name(fusions, message):
    with pytest.raises(ValueError, match=message):
        study(fusions, rgb=MOTION, flow=MOTION, toy=SIMULATED)


@pytest.mark.parametrize(
    ("own", "message"),
    [
        (SIMULATED, r"flow\.modality: a simulated task has no videos and so no flow"),
        (
            MOTION | {"video": {"short_side": [12, 20], "crop": 12}},
            r"flow\.flow\.short_side is the least video\.short_side, 12: .* give at least 16",
        ),
        (
            MOTION | {"video": {"augmentation": "moco"}},
            r"flow\.video\.augmentation: 'moco' changes colours, .* write paper",
        ),
        (
            MOTION | {"network": {"name": "this:that"}},
            r"flow\.modality: flow is for the networks p3d, .* \('this:that'\) sees RGB",
        ),
    ],
)
def test_flow_where_there_can_be_none_is_refused(own, message):
    with pytest.raises(ValueError, match=message):
        study(flow=own | {"modality": "flow"})

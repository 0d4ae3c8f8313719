import pytest

from optplan.config import resolve
from optplan.planning.curves import MIN_OBSERVATIONS
from optplan.video.splits import split_videos


def one(**own) -> dict:
    """A configuration with the experiment "a" on an embedded set."""
    data = {"format": "embedded", "name": "motion"} | own.pop("data", {})
    return {"experiments": {"a": {"data": data, **own}}}


def settings_of(**own) -> dict:
    return resolve(one(**own))["experiments"]["a"]


@pytest.mark.parametrize("key", ["test_fraction", "validation_fraction"])
def test_the_fractions_allowed_are_those_that_the_split_allows(key):
    for fraction in (0, -0.1, 0.51, 1):
        with pytest.raises(ValueError, match=rf"a\.data\.{key}: {fraction} is "):
            settings_of(data={key: fraction})
        with pytest.raises(ValueError, match=rf"{key} is {fraction}"):
            split_videos(None, seed=1, **{key: fraction})
    assert settings_of(data={key: 0.5})["data"][key] == 0.5


def test_a_missing_root_is_asked_for():
    with pytest.raises(ValueError, match=r"experiments\.a\.data\.root is missing"):
        settings_of(data={"format": "folder"})


def test_a_root_that_is_no_folder_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"a\.data\.root: '.*nowhere' is not a folder"):
        settings_of(data={"format": "folder", "root": str(tmp_path / "nowhere")})


def test_a_root_beside_an_embedded_set_is_refused_because_it_would_not_be_read(tmp_path):
    with pytest.raises(
        ValueError, match=rf"a\.data\.root: '{tmp_path}' .* or write format: folder"
    ):
        settings_of(data={"root": str(tmp_path)})


@pytest.mark.parametrize("name", ["motions", None])
def test_an_unknown_embedded_set_is_named_with_the_known_ones(name):
    with pytest.raises(ValueError, match=rf"{name!r} must be 'motion' or 'order'"):
        settings_of(data={"name": name})


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"plan": "no.yaml"}, r"a\.plan: there is no file 'no.yaml' in .*; give the plan\.yaml of"),
        ({"data": {"index": "no.csv"}}, r"a\.data\.index: there is no file 'no.csv' in .*a CSV"),
        ({"network": {"weights": "imagnet"}}, r"a\.network\.weights: .* 'imagnet' .*imagenet or"),
        ({"network": {"weights": ""}}, r"a\.network\.weights: there is no file ''"),
    ],
)
def test_a_file_that_is_not_there_is_named_with_what_to_give_instead(own, message):
    with pytest.raises(ValueError, match=message):
        settings_of(**own)


def test_files_that_are_there_are_accepted(tmp_path):
    files = {name: tmp_path / name for name in ("plan.yaml", "clips.csv", "resnet.pt")}
    for file in files.values():
        file.write_text("path: [{state: us-l3-r3, epochs: 1}]")
    plan, index, weights = map(str, files.values())
    settings_of(plan=plan, data={"index": index}, network={"weights": weights})


def test_imagenet_weights_are_refused_for_the_small_body_which_has_none():
    with pytest.raises(ValueError, match=r"a\.network\.weights: .* body small"):
        settings_of(network={"weights": "imagenet", "body": "small"})
    assert settings_of(network={"weights": "imagenet"})["network"]["weights"] == "imagenet"


def test_weights_are_null_imagenet_or_a_file_whatever_the_body(tmp_path):
    checkpoint = tmp_path / "weights.pt"
    checkpoint.touch()
    for weights in (None, str(checkpoint)):
        assert settings_of(network={"weights": weights, "body": "small"})
    assert settings_of(network={"weights": "imagenet", "body": "resnet101"})


def test_turning_blocks_are_refused_for_i3d_which_has_none():
    with pytest.raises(ValueError, match=r"a\.network\.blocks: ABC .* i3d has none; give A"):
        settings_of(network={"name": "i3d", "blocks": "ABC"})
    with pytest.raises(ValueError, match=r"a\.network\.blocks: 'AB' is not one of"):
        settings_of(network={"blocks": "AB"})
    assert settings_of(network={"blocks": "ABC"})["network"]["blocks"] == "ABC"


@pytest.mark.parametrize(
    "text", ["[]", "path: 5", "path: [cs-l1-r1]", "path: [{state: l1}]", "a: {"]
)
def test_a_plan_without_a_path_of_states_is_refused(tmp_path, text):
    plan = tmp_path / "plan.yaml"
    plan.write_text(text)
    with pytest.raises(ValueError, match=rf"a\.plan: '{plan}' is not a plan"):
        settings_of(plan=str(plan))


def test_a_plan_brings_its_states_along_where_the_configuration_is_silent(tmp_path):
    plan = tmp_path / "plan.yaml"
    states = "{clip_lengths: [4, 8], learning_rates: [0.2, 0.1], snippet: 1}"
    plan.write_text(f"{{path: [{{state: cs-l2-r2, epochs: 1}}], states: {states}}}")
    assert settings_of(plan=str(plan))["states"]["clip_lengths"] == [4, 8]
    changed = settings_of(plan=str(plan), states={"learning_rates": [0.4, 0.3]})["states"]
    assert changed["clip_lengths"] == [4, 8]
    assert changed["learning_rates"] == [0.4, 0.3]


def test_a_plan_beyond_the_states_it_is_replayed_with_is_refused(tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("path: [{state: cs-l1-r1, epochs: 1}, {state: cs-l3-r1, epochs: 2}]")
    with pytest.raises(ValueError, match=r"a\.plan: '.*' uses clip length l3, but .* has only 2"):
        settings_of(plan=str(plan), states={"clip_lengths": [8, 16]})


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
    with pytest.raises(
        ValueError, match=r"a\.states\.snippet: 8 does not divide 12, .*clip_lengths"
    ):
        settings_of(states={"clip_lengths": [8, 12], "snippet": 8})


def test_a_uniform_clip_of_one_snippet_is_refused_where_both_samplings_are_searched(tmp_path):
    states = {"clip_lengths": [4, 8, 16]}
    with pytest.raises(ValueError, match=r"a\.states\.snippet: 4 is one of clip_lengths; .*: 1,"):
        settings_of(states=states)
    plan = tmp_path / "plan.yaml"
    plan.write_text("path: [{state: us-l3-r3, epochs: 1}]")
    for changed in ({"snippet": 1}, {"sampling": ["us"]}, {"stride": 2}):
        settings_of(states=states | changed)
    settings_of(states=states, plan=str(plan))
    settings_of(states=states, data={"format": "simulated", "name": None})


def test_a_batch_that_is_no_multiple_of_the_micro_batch_is_refused():
    with pytest.raises(ValueError, match=r"batch_size: 24 is no multiple of micro_batch \(16\)"):
        settings_of(training={"batch_size": 24, "micro_batch": 16})


def test_a_range_of_short_sides_that_falls_is_refused():
    with pytest.raises(ValueError, match=r"short_side: \[340, 256\] must rise, as in \[256, 340\]"):
        settings_of(video={"short_side": [340, 256]})


@pytest.mark.parametrize(
    ("video", "message"),
    [
        ({"crop": 260}, r"crop: 260 must be at most the least short_side \(256\)"),
        (
            {"crop": 260, "short_side": [300, 300]},
            r"crop: 260 must be at most planning_short_side \(256\)",
        ),
        (
            {"evaluation_crop": 288},
            r"evaluation_crop: 288 must be at most evaluation_short_side \(256\)",
        ),
    ],
)
def test_a_crop_larger_than_the_frame_it_is_cut_from_is_refused(video, message):
    with pytest.raises(ValueError, match=rf"experiments\.a\.video\.{message}"):
        settings_of(video=video)


@pytest.mark.parametrize(
    ("knee", "message"),
    [
        ({"max_epochs": 9}, r"max_epochs: 9 must be at least min_epochs \(10\)"),
        ({"max_epochs": 15}, r"max_epochs: 15 must be at least min_epochs_start \(20\)"),
        ({"max_epochs": MIN_OBSERVATIONS - 2, "min_epochs": 0}, r"max_epochs: 3 is less than .* 4"),
    ],
)
def test_too_few_epochs_for_a_knee_are_refused(knee, message):
    with pytest.raises(ValueError, match=rf"experiments\.a\.knee\.{message}"):
        settings_of(knee=knee)


def test_a_simulated_task_is_scored_by_nothing_but_top_1():
    data = {"format": "simulated", "name": None}
    with pytest.raises(ValueError, match=r"a\.knee\.metric: 'top-1-3-5': a simulated task has no"):
        settings_of(data=data, knee={"metric": "top-1-3-5"})


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("fast", "'fast' names no strategy: write cs-l1"),
        ("cs-l1-3-step-2", "cs-l1-3-step-2: epochs must be at least its 3 parts"),
        ("cs-l1-l3-cosine-48", "'cs-l1-l3-cosine-48' uses clip length l3, but .* has only 2"),
        ("us-l1-4-step-48", "'us-l1-4-step-48' uses learning rate r4, but .* has only 3"),
    ],
)
def test_a_strategy_that_cannot_be_trained_is_refused(name, message):
    with pytest.raises(ValueError, match=rf"experiments\.a\.strategies: {message}"):
        settings_of(states={"clip_lengths": [8, 16]}, strategies=[name])


def test_a_strategy_with_too_many_stages_for_a_files_name_is_refused():
    states = {"clip_lengths": [4, 8, 12, 16, 20], "learning_rates": [0.5, 0.4, 0.3, 0.2]}
    states["snippet"] = 1
    assert len(settings_of(states=states, strategies="paper")["strategies"]) == 60
    states["learning_rates"].append(0.1)
    message = r"a\.strategies: '.*-l5-5-step-128' has 25 stages, .* 276 characters .* at most 255"
    with pytest.raises(ValueError, match=message):
        settings_of(states=states, strategies="paper")


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"data": {"prepare": 240}}, r"data.prepare: 240 must be at least the least short_side \("),
        (
            {"data": {"prepare": 256}, "video": {"evaluation_short_side": 288}},
            r"data.prepare: 256 must be at least evaluation_short_side \(288\), or frames would",
        ),
        ({"data": {"prepare": 257}}, "data.prepare: 257 is not a multiple of 2"),
        (
            {"data": {"format": "simulated", "name": None, "prepare": 256}},
            "data.prepare: 256 has no use with format simulated; leave it out",
        ),
    ],
)
def test_preparing_to_a_size_that_does_not_serve_is_refused(own, message):
    with pytest.raises(ValueError, match=message):
        settings_of(**own)

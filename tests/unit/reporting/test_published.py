import pytest
import yaml

from optplan.config import graph, resolve, stage_settings
from optplan.planning.states import State
from optplan.reporting.graph_figure import path_edges
from optplan.reporting.published import CONFIG, released_plans

PLANS = released_plans()


def replaying(name, tmp_path) -> dict:
    plan = str(CONFIG / "plans" / f"{name}.yaml")
    config = {"experiments": {"a": {"plan": plan, "data": {"root": str(tmp_path)}}}}
    return resolve(config)["experiments"]["a"]


def test_there_is_a_plan_for_every_path_of_the_figures():
    assert len(PLANS) == 9
    # 220 epochs are those of the released records; the paper's text counts 219.
    epochs = sum(step["epochs"] for step in PLANS["kinetics-400-from-imagenet"]["path"])
    assert epochs == 220


@pytest.mark.parametrize("name", PLANS)
def test_the_shipped_file_says_what_the_published_numbers_say(name):
    assert yaml.safe_load((CONFIG / "plans" / f"{name}.yaml").read_text()) == PLANS[name]


@pytest.mark.parametrize("name", PLANS)
def test_a_replay_trains_with_the_published_frames_and_rates(name, tmp_path):
    settings = replaying(name, tmp_path)
    for step in PLANS[name]["path"]:
        stage = stage_settings(settings, State.parse(step["state"]), name="", seed=0)
        assert stage["frames"] == step["frames"]
        assert stage["learning_rate"] == pytest.approx(step["learning_rate"])
        assert stage["freeze_bn"] == step["freeze_bn"]


@pytest.mark.parametrize("name", PLANS)
def test_a_path_leads_from_the_start_to_a_final_state(name, tmp_path):
    whole = graph(replaying(name, tmp_path))
    edges = path_edges(whole, PLANS[name])
    assert edges[0].source is None
    assert edges[-1].target in whole.finals

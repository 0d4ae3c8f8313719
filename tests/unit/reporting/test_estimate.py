import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from optplan.config import resolve
from optplan.reporting.estimate import estimate, forecast

DEFAULT = Path(__file__).parents[3] / "config" / "config.yaml"


@pytest.fixture
def settings(tmp_path):
    (tmp_path / "videos").mkdir()
    data = {"root": str(tmp_path / "videos")}
    return resolve({"experiments": {"a": {"data": data}}})["experiments"]["a"]


def test_every_state_has_a_row_with_the_settings_it_trains_with(settings):
    rows = [line.split() for line in estimate("a", settings, 100, None).splitlines()]
    cells = {row[0]: row[1:] for row in rows if row and row[0].startswith(("cs-", "us-"))}
    assert len(cells) == 18
    assert cells["cs-l1-r1"] == ["16", "1", "-", "0.01", "16", "x", "16", "trained", "1"]
    assert cells["us-l3-r3"] == ["64", "-", "4", "0.0001", "16", "x", "16", "frozen", "2"]


def test_the_cost_is_that_of_every_transition_in_frames_and_where_known_in_hours(settings):
    text = estimate("a", settings, 100, None)
    # Transitions of one sampling by clip length: 5 with 16 frames, 8 with 32 and 5 with 64.
    frames = 2 * (5 * 16 + 8 * 32 + 5 * 64) * 100
    assert f"about {36 * 35} epochs, {35 * frames / 1e6:.3g} million frames;" in text
    assert f"at most {36 * 200} epochs, {200 * frames / 1e6:.3g} million frames." in text
    hours = f"{35 * frames * 0.01 / 3600:.2g} h on one device"
    assert hours in estimate("a", settings, 100, 0.01)


def test_every_seed_is_planned_and_hand_tuned_at_its_own_cost(settings):
    settings["strategies"] = ["cs-l1-cosine-10", "us-l1-cosine-5"]
    one = estimate("a", settings | {"seeds": [1]}, 100, None)
    three = estimate("a", settings | {"seeds": [1, 2, 3]}, 100, None)
    assert "beside 15 epochs" in one
    assert f"about {3 * 36 * 35} epochs" in three
    assert f"at most {3 * 36 * 200} epochs" in three
    assert "100 videos, 3 seeds" in three
    assert "beside 45 epochs" in three


def test_beginnings_that_strategies_share_are_estimated_once(settings):
    settings["strategies"] = ["cs-l1-2-step-4", "cs-l1-2-step-10"]
    # 5 epochs at r1, of which the first 2 are those of both; then 2 and 5 at r2.
    assert "beside 12 epochs of hand-tuned strategies" in estimate("a", settings, 100, None)


def test_only_what_is_not_planned_yet_is_forecast(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = resolve(yaml.safe_load(DEFAULT.read_text()))
    before = forecast(study)
    assert "Plan of motion: 36 transitions between 18 states" in before
    run = tmp_path / "results" / "embedded" / "motion" / "seed-1"
    run.mkdir(parents=True)
    (run / "plan.yaml").touch()
    assert "Plan of motion" not in forecast(study)
    assert "Plan of order" in forecast(study)


def test_a_seed_without_a_plan_is_still_to_be_done(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    content = yaml.safe_load(DEFAULT.read_text())
    content["experiments"] = {"motion": content["experiments"]["motion"] | {"seeds": [1, 2, 3]}}
    study = resolve(content)
    for seed, ahead in ((2, "2 seeds"), (1, "Usually about"), (3, None)):
        plan = tmp_path / "results" / "embedded" / "motion" / f"seed-{seed}" / "plan.yaml"
        plan.parent.mkdir(parents=True)
        plan.touch()
        assert ahead in forecast(study) if ahead else not forecast(study)


def test_a_replay_is_done_when_it_has_its_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    own = {"data": {"format": "simulated", "task": 1}}
    replays = {f"r{number}": own | {"plan_of": "a"} for number in range(3)}
    study = resolve({"experiments": {"a": own, **replays}})
    results = tmp_path / "results" / "study"
    (results / "a" / "seed-1").mkdir(parents=True)
    (results / "a" / "seed-1" / "plan.yaml").touch()
    assert "r0 " in forecast(study)
    for name in replays:
        metrics = results / name / "seed-1" / "evaluation" / "planned" / "metrics.json"
        metrics.parent.mkdir(parents=True)
        metrics.touch()
    assert forecast(study) == ""


def test_videos_are_counted_in_the_split_and_time_on_what_has_finished(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = resolve(yaml.safe_load(DEFAULT.read_text()))
    data = tmp_path / "results" / "embedded" / "motion" / "data"
    data.mkdir(parents=True)
    rows = ["video\tsubset", "a\ttrain", "b\tval", "c\ttest"]
    (data / "split.tsv").write_text("\n".join(rows) + "\n")
    assert "states, 2 videos" in forecast(study)
    assert "on one device" not in forecast(study)
    transition = data.parent / "seed-1" / "transitions" / "start--cs-l1-r1"
    transition.mkdir(parents=True)
    cost = {"seconds": 5.0, "frames_trained": 800, "frames_evaluated": 200}
    (transition / "cost.json").write_text(json.dumps(cost))
    assert "on one device" in forecast(study)


def test_the_videos_of_an_official_set_are_not_counted_but_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = resolve(yaml.safe_load(DEFAULT.read_text()))
    study["experiments"]["motion"]["data"] |= {"format": "ucf101", "split": 2}
    assert "states, 9586 videos" in forecast(study)


def test_an_estimate_asks_nothing_of_torch():
    code = "import sys, optplan.reporting.estimate; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)

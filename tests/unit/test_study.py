import json
import os
from itertools import pairwise
from types import SimpleNamespace

import pytest
import yaml

from optplan.planning.states import State
from optplan.study import (
    contenders,
    fingerprint,
    last_stage,
    lost_race,
    model_file,
    num_stages,
    part,
    path_transitions,
    racers,
    read_plan,
    read_record,
    run_folder,
    shared_name,
    stage_ends,
    targets,
    variant_folders,
    variant_paths,
)


def write_record(run, state, *, model, parent="start", transition=None, score=0.5):
    path = run / "states" / f"{state}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    transition = transition or f"{parent}--{state}"
    record = {"state": state, "model": model, "path": [], "score": score}
    path.write_text(json.dumps(record | {"parent": parent, "transition": transition}))
    return path


def test_the_main_job_makes_the_tables_and_every_plan_that_is_not_given():
    study = {
        "study": "s",
        "skip_missing": False,
        "tables": {},
        "experiments": {
            "new": {"plan": None, "variants": True, "seeds": [3, 4]},
            "old": {"plan": "p.yaml", "variants": False, "seeds": [3]},
        },
    }
    files = targets(study)
    assert "results/s/tables/comparison.csv" in files
    assert {"results/s/new/seed-3/plan.yaml", "results/s/new/seed-4/plan.yaml"} <= set(files)
    assert "results/s/tables/new-variants.md" in files
    assert not [file for file in files if "old" in file]
    wildcards = SimpleNamespace(study="s", experiment="new", seed=3)
    assert f"{run_folder(wildcards)}/plan.yaml" in files


def test_a_part_of_the_settings_has_whole_groups_and_single_keys_and_no_more():
    settings = {"network": {"name": "p3d"}, "knee": {"delay": 3, "score": "fitted"}, "data": {}}
    found = part(settings, ["network", "knee.delay"])
    assert found == {"network": {"name": "p3d"}, "knee": {"delay": 3}}
    with pytest.raises(KeyError):
        part(settings, ["knee.dealy"])


def test_a_state_passes_on_the_weights_its_record_points_to(tmp_path):
    trained = write_record(tmp_path, "cs-l1-r1", model="start--cs-l1-r1")
    untrained = write_record(tmp_path, "cs-l2-r1", model="start")
    assert model_file("run", trained) == "run/transitions/start--cs-l1-r1/weights.pt"
    assert model_file("run", untrained) == "run/initial.pt"


def settings_of(**planning):
    states = {
        "sampling": ["cs", "us"],
        "clip_lengths": [4, 8],
        "learning_rates": [0.1, 0.01],
        "graph": "basic",
        "starts": "one",
    }
    return {"states": states, "planning": {"bound": None, "race": None} | planning}


def test_transitions_that_start_from_the_same_model_are_trained_once(tmp_path):
    same, other = "start--cs-l1-r1", "cs-l1-r1--cs-l2-r1"
    for model, count in ((same, 1), (other, 2)):
        records = {
            "cs-l1-r2": write_record(tmp_path, "cs-l1-r2", model=same),
            "cs-l2-r1": write_record(tmp_path, "cs-l2-r1", model=model),
        }
        train, skipped = contenders(settings_of(), State("cs", 2, 2), records)
        assert (len(train), len(skipped)) == (count, 2 - count)


def test_under_a_bound_the_transition_from_the_best_source_is_trained_first(tmp_path):
    for best in ("cs-l1-r2", "cs-l2-r1"):
        records = {
            name: write_record(tmp_path, name, model=name, score=0.9 if name == best else 0.8)
            for name in ("cs-l1-r2", "cs-l2-r1")
        }
        train, _ = contenders(settings_of(bound=1.0), State("cs", 2, 2), records)
        assert train[0].source_name == best
        assert len(train) == 2


def test_a_sampling_that_trails_is_given_up_after_its_first_state_with_long_clips(tmp_path):
    records = {
        "cs-l2-r1": write_record(tmp_path, "cs-l2-r1", model="m", score=0.9),
        "us-l2-r1": write_record(tmp_path, "us-l2-r1", model="m", score=0.8),
    }
    settings = settings_of(race=0.05)
    assert racers(settings, State("us", 1, 1)) == []
    assert [state.name for state in racers(settings, State("us", 1, 2))] == list(records)
    train, skipped = contenders(settings, State("us", 1, 2), records)
    assert train == []
    assert skipped[0]["transition"] == "us-l1-r1--us-l1-r2"
    assert "us trails cs by 0.100" in skipped[0]["why"]
    assert lost_race(settings, State("cs", 1, 2), records) is None
    assert lost_race(settings_of(race=0.2), State("us", 1, 2), records) is None


@pytest.mark.parametrize("content", ["", "[1]", '{"state": "cs-l1-r1"}', "null"])
def test_a_file_that_is_no_record_is_named(tmp_path, content):
    path = tmp_path / "odd.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"odd\.json is not the record of a state"):
        read_record(path)


@pytest.mark.parametrize("content", ["", "path: 3", "- 1"])
def test_a_file_that_is_no_plan_is_named(tmp_path, content):
    path = tmp_path / "odd.yaml"
    path.write_text(content)
    with pytest.raises(ValueError, match=r"odd\.yaml is not a plan"):
        read_plan(path)


def test_the_planned_strategy_has_the_stages_of_its_plan(tmp_path):
    path = tmp_path / "plan.yaml"
    path.write_text(yaml.safe_dump({"path": [{"state": "cs-l1-r1", "epochs": 3}] * 4}))
    assert num_stages({}, "planned", path) == 4


def test_a_hand_tuned_stage_is_left_where_strategies_of_the_experiment_end_it():
    settings = {"strategies": ["cs-l1-2-step-4", "cs-l1-2-step-10", "cs-l1-cosine-4"]}
    assert stage_ends(settings, "cs-l1-r1") == [2, 5]
    assert last_stage("cs-l1-2-step-10") == "cs-l1-r1-5+cs-l1-r2"
    assert stage_ends(settings, "cs-l1-r1-5+cs-l1-r2") == [5]
    assert shared_name("cs-l1-r1-5") == "cs-l1-r1"
    assert shared_name("cs-l1-cosine-4") == last_stage("cs-l1-cosine-4") == "cs-l1-cosine-4"
    with pytest.raises(ValueError, match="no strategy of the experiment has the stage us-l1-r1"):
        stage_ends(settings, "us-l1-r1")


def test_a_variant_shares_what_the_plan_has_trained_up_to_its_change(tmp_path):
    path = ["cs-l1-r1", "cs-l2-r1", "cs-l2-r2"]
    plan = tmp_path / "plan.yaml"
    plan.write_text(yaml.safe_dump({"path": [{"state": state, "epochs": 3} for state in path]}))
    parents = ["start", *path]
    for parent, state in pairwise(parents):
        write_record(tmp_path, state, model=f"{parent}--{state}", parent=parent)
    settings = settings_of() | {"variants": True}
    settings["states"]["graph"] = "extended"
    found = variant_paths(settings, plan)
    assert set(found) == {"with-cs-l1-r2", "without-cs-l1-r1", "without-cs-l2-r1"}
    assert num_stages(settings, "with-cs-l1-r2", plan) == 4
    assert variant_folders(str(tmp_path), settings, plan, "with-cs-l1-r2") == [
        f"{tmp_path}/transitions/start--cs-l1-r1",
        f"{tmp_path}/transitions/cs-l1-r1--cs-l2-r1",
        f"{tmp_path}/variants/with-cs-l1-r2/3",
        f"{tmp_path}/variants/with-cs-l1-r2/4",
    ]
    assert variant_paths(settings | {"variants": False}, plan) == {}


def test_the_best_paths_are_followed_back_to_the_start_the_planned_one_first(tmp_path):
    for sampling in ("cs", "us"):
        write_record(tmp_path, f"{sampling}-l1-r1", model="m")
        write_record(tmp_path, f"{sampling}-l1-r2", model="m", parent=f"{sampling}-l1-r1")
    finals = {"cs-l1-r2": 0.5, "us-l1-r2": 0.6}
    plan = {"path": [], "finals": finals, "final": "us-l1-r2"}
    (tmp_path / "plan.yaml").write_text(yaml.safe_dump(plan))
    assert path_transitions(tmp_path) == [
        "start--us-l1-r1",
        "us-l1-r1--us-l1-r2",
        "start--cs-l1-r1",
        "cs-l1-r1--cs-l1-r2",
    ]


def test_the_fingerprint_of_a_folder_changes_with_its_files_and_with_nothing_else(tmp_path):
    video = tmp_path / "root" / "class" / "a.mp4"
    video.parent.mkdir(parents=True)
    video.write_bytes(b"abc")
    os.utime(video, (1, 1))
    seen = [fingerprint(tmp_path / "root")]
    os.utime(video.parent, (2, 2))
    assert fingerprint(tmp_path / "root") == seen[0]
    video.write_bytes(b"abcd")
    os.utime(video, (1, 1))
    seen.append(fingerprint(tmp_path / "root"))
    os.utime(video, (3, 3))
    seen.append(fingerprint(tmp_path / "root"))
    video.rename(video.with_name("b.mp4"))
    seen.append(fingerprint(tmp_path / "root"))
    assert len(set(seen)) == 4
    assert fingerprint(None) is None


def test_the_fingerprint_of_an_official_set_changes_with_its_lists_and_the_names_of_its_videos(
    tmp_path,
):
    lists, video = tmp_path / "lists", tmp_path / "root" / "a" / "v_a_g01_c01.avi"
    for file in ("classInd.txt", "trainlist02.txt", "testlist02.txt", "notes.txt"):
        (lists / file).parent.mkdir(exist_ok=True)
        (lists / file).touch()
    video.parent.mkdir(parents=True)
    video.touch()

    def current():
        return fingerprint(tmp_path / "root", "ucf101", lists, 2)

    seen = [current()]
    video.write_bytes(b"abc")
    (lists / "notes.txt").write_text("not a list")
    assert current() == seen[0]
    video.rename(video.with_name("v_a_g01_c02.avi"))
    seen.append(current())
    (lists / "testlist02.txt").write_text("a/v_a_g01_c02.avi\n")
    seen.append(current())
    assert len(set(seen)) == 3

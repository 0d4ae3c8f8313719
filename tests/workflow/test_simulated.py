"""A whole plan on a simulated task: bounds, race and all, without torch."""

import json
import os
import re
from pathlib import Path

import pytest
import yaml
from running import Workflow

RUN = "simulated/task/seed-1"


@pytest.fixture(scope="module")
def planned(tmp_path_factory) -> Workflow:
    folder = tmp_path_factory.mktemp("simulated")
    (folder / "no_torch").mkdir()
    (folder / "no_torch" / "torch.py").write_text("raise ImportError('torch was asked for')\n")
    paths = os.pathsep.join([str(folder / "no_torch"), os.environ.get("PYTHONPATH", "")])
    workflow = Workflow(folder, study="simulated.yaml", PYTHONPATH=paths)
    workflow.check()
    return workflow


@pytest.fixture(scope="module")
def records(planned) -> dict:
    files = planned.results(f"{RUN}/states/*.json").values()
    return {record["state"]: record for record in map(json.loads, files)}


def test_every_transition_is_trained_or_says_why_not(planned, records):
    trained = {Path(path).parent.name for path in planned.results(f"{RUN}/transitions/*/knee.json")}
    candidates = {c["transition"] for r in records.values() for c in r["candidates"]}
    skipped = {s["transition"]: s["why"] for r in records.values() for s in r["skipped"]}
    assert trained == candidates
    assert len(candidates | skipped.keys()) == 36
    assert not candidates & skipped.keys()
    assert all(skipped.values())


def test_a_bounded_transition_loses_to_the_rival_that_was_trained_before_it(records):
    bounded = 0
    for record in records.values():
        for candidate in record["candidates"]:
            if candidate["reason"] == "bounded":
                assert candidate["upper"] < candidate["rival"] <= record["score"]
                assert candidate["transition"] != record["transition"]
                bounded += 1
    assert bounded > 0


def test_the_sampling_that_trails_is_not_explored_further(planned, records):
    plan = yaml.safe_load(planned.results(f"{RUN}/plan.yaml")[f"{RUN}/plan.yaml"])
    other = {"cs": "us", "us": "cs"}[plan["sampling"]]
    for name, record in records.items():
        explored = not name.startswith(other) or name.endswith("-r1")
        assert (record["score"] is not None) == explored
    why = records[f"{other}-l3-r3"]["skipped"][0]["why"]
    assert why.startswith(f"{other} trails {plan['sampling']} by")
    assert list(plan["finals"]) == [plan["final"]]


def test_the_plan_is_drawn_and_compared(planned):
    assert len(planned.results("simulated/figures/task-*")) == 4
    table = planned.results("simulated/tables/comparison.md")["simulated/tables/comparison.md"]
    assert b"| planned path" in table


def test_variants_of_the_path_have_a_state_more_or_less_and_epochs_of_their_own(planned):
    plan = yaml.safe_load(planned.results(f"{RUN}/plan.yaml")[f"{RUN}/plan.yaml"])
    planned_states = [step["state"] for step in plan["path"]]
    variants = planned.results(f"{RUN}/variants/*/plan.yaml")
    assert len(variants) >= len(planned_states) - 1
    for path, content in variants.items():
        name, variant = Path(path).parent.name, yaml.safe_load(content)
        states = [step["state"] for step in variant["path"]]
        change = len(states) - len(planned_states)
        assert change == (1 if name.startswith("with-") else -1)
        assert set(states) ^ set(planned_states) == {name.split("-", 1)[1]}
        # Its common beginning with the plan is not trained again.
        shared = [a == b for a, b in zip(states, planned_states, strict=False)].index(False)
        assert variant["path"][:shared] == plan["path"][:shared]
        own = planned.results(f"{RUN}/variants/{name}/*/knee.json")
        assert len(own) == len(states) - shared
    table = planned.results("simulated/tables/task-variants.md").popitem()[1].decode()
    assert table.count("| with") == len(variants)
    assert "| planned" in table


def test_a_strategy_of_the_stage_tree_ends_with_the_bytes_of_one_trained_alone(planned, tmp_path):
    changes = {"experiments.task.strategies": ["cs-l1-l3-3-step-96"]}
    alone = Workflow(tmp_path, changes, study="simulated.yaml")
    scores = f"{RUN}/evaluation/cs-l1-l3-3-step-96/scores.npz"
    alone.check(f"results/{scores}")
    assert alone.results(scores) == planned.results(scores)
    trunk = {Path(path).name for path in planned.results(f"{RUN}/strategies/cs-l1-r1/weights/*.pt")}
    assert trunk == {"16.pt", "22.pt"}
    end = "cs-l1-r1-16+cs-l1-r2-16+cs-l1-r3-16+cs-l3-r1-16+cs-l3-r2-16+cs-l3-r3/weights/16.pt"
    weights = f"{RUN}/strategies/{end}"
    assert alone.results(weights) == planned.results(weights) != {}


@pytest.mark.parametrize(
    ("key", "value", "rerun"),
    [
        ("data.timeout_seconds", 7, set()),
        ("video.evaluation_clips", 3, set()),
        ("planning.race", 0.0001, {"select_parent", "plan"}),
        ("knee.delay", 11, {"train_transition", "select_parent", "plan"}),
    ],
)
def test_of_a_plan_a_change_reruns_the_jobs_that_read_it(planned, key, value, rerun):
    Workflow(planned.folder, {f"experiments.task.{key}": value}, study="simulated.yaml")
    output = planned.check("--dry-run", f"results/{RUN}/plan.yaml")
    Workflow(planned.folder, study="simulated.yaml")
    assert set(re.findall(r"^(\w+) +\d+$", output, re.MULTILINE)) - {"total"} == rerun


def test_a_second_run_has_nothing_to_do(planned):
    assert "Nothing to be done" in planned.check()

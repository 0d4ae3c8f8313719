"""What a whole run leaves, and what it does not do twice."""

import csv
import json
import re
import shutil
from pathlib import Path
from statistics import fmean

import pytest
import yaml
from running import Workflow

RUN = "tiny/motion/seed-3"


def read(workflow: Workflow, path: str) -> bytes:
    return (workflow.folder / "results" / path).read_bytes()


def test_a_run_leaves_tables_figures_and_a_plan(finished):
    table = read(finished, "tiny/tables/comparison.md").decode()
    for row in ("cs-l1-l2-cosine-2", "best hand-tuned (grid)", "planned path"):
        assert f"| {row}" in table
    assert "The planner chose consecutive sampling, as it should." in table
    for figure in ("graph", "curves"):
        assert read(finished, f"tiny/figures/motion-{figure}.png").startswith(b"\x89PNG")
        assert read(finished, f"tiny/figures/motion-{figure}.pdf").startswith(b"%PDF")
    plan = yaml.safe_load(read(finished, f"{RUN}/plan.yaml"))
    assert plan["final"] == "cs-l2-r2"
    assert plan["expected"]["videos"] == 8


def test_the_costs_of_all_jobs_are_added_up(finished):
    jobs = [json.loads(content) for content in finished.results("**/cost.json").values()]
    rows = list(csv.DictReader(read(finished, "tiny/tables/costs.csv").decode().splitlines()))
    assert [row["part"] for row in rows] == ["planning", "paths", "hand-tuned"]
    assert sum(int(row["jobs"]) for row in rows) == len(jobs)
    hours = sum(job["seconds"] for job in jobs) / 3600
    assert sum(float(row["device_hours"]) for row in rows) == pytest.approx(hours)
    assert "| motion " in read(finished, "tiny/tables/costs.md").decode()


def test_every_state_knows_every_candidate_and_only_those_were_trained(finished):
    records = finished.results(f"{RUN}/states/*.json")
    assert len(records) == 4
    candidates, skipped = [], []
    for content in records.values():
        record = json.loads(content)
        candidates += [candidate["transition"] for candidate in record["candidates"]]
        skipped += [entry["transition"] for entry in record["skipped"]]
    trained = {
        Path(path).parent.name for path in finished.results(f"{RUN}/transitions/*/knee.json")
    }
    assert trained == set(candidates)
    assert not trained & set(skipped)
    assert len(candidates) + len(skipped) == 7


def test_a_second_run_has_nothing_to_do(finished):
    assert "Nothing to be done" in finished.check()


def test_transitions_from_the_start_wait_for_nothing_but_the_data(tmp_path):
    output = Workflow(tmp_path).check("--dry-run", f"results/{RUN}/plan.yaml")
    found = re.findall(r"train (\S+) -> (\S+)", output)
    assert sorted(found) == [("start", "cs-l1-r1"), ("start", "cs-l2-r1")]


def test_a_transition_that_would_repeat_another_is_never_built(tmp_path):
    # At these learning rates nothing is learnt from the second transition on: its knee lies at
    # t* = 0, cs-l2-r1 passes on the weights of cs-l1-r1, and both would train cs-l1-r2 alike.
    settings = {
        "defaults.states.starts": "one",
        "defaults.states.learning_rates": [1e-12, 1e-13],
        "defaults.training.freeze_bn_from": 8,
    }
    workflow = Workflow(tmp_path, settings)
    workflow.check(f"results/{RUN}/states/cs-l1-r2.json")
    assert json.loads(read(workflow, f"{RUN}/states/cs-l2-r1.json"))["epochs"] == 0
    record = json.loads(read(workflow, f"{RUN}/states/cs-l1-r2.json"))
    why = "cs-l1-r1--cs-l1-r2 already trains the model of start--cs-l1-r1 with the same settings"
    assert record["skipped"] == [{"transition": "cs-l2-r1--cs-l1-r2", "why": why}]
    trained = {Path(path).parent.name for path in workflow.results(f"{RUN}/transitions/*/*.json")}
    assert trained == {"start--cs-l1-r1", "cs-l1-r1--cs-l2-r1", "cs-l1-r1--cs-l1-r2"}


def test_a_planned_path_may_be_trained_on_to_the_losses_of_planning(finished, tmp_path):
    shutil.copytree(finished.folder, tmp_path / "again")
    workflow = Workflow(tmp_path / "again", {"defaults.planning.retraining": "loss"})
    plan = yaml.safe_load(read(workflow, f"{RUN}/plan.yaml"))
    output = workflow.check(f"results/{RUN}/evaluation/planned/scores.npz")
    assert "train_transition" not in output
    stages = f"{RUN}/strategies/planned"
    for number, step in enumerate(plan["path"], start=1):
        lines = read(workflow, f"{stages}/{number}/curve.jsonl").decode().splitlines()
        losses = [json.loads(line)["loss"] for line in lines]
        recent, trained = fmean(losses[-3:]), len(losses)
        assert step["epochs"] <= trained <= 3 * step["epochs"]
        assert recent <= step["loss"] or trained == 3 * step["epochs"]


def test_a_plan_is_replayed_without_planning(finished, tmp_path):
    plan = tmp_path / "given.yaml"
    plan.write_bytes(read(finished, f"{RUN}/plan.yaml"))
    settings = {"experiments.motion.plan": str(plan), "defaults.strategies": []}
    workflow = Workflow(tmp_path / "replay", settings)
    output = workflow.check()
    assert "train_transition" not in output
    assert "select_parent" not in output
    assert "was replayed without planning" in read(workflow, "tiny/tables/comparison.md").decode()
    assert not workflow.results(f"{RUN}/transitions/**/*")
    # Same seed, same data: the retrained path has the same weights as that of the planning run.
    last = len(yaml.safe_load(plan.read_text())["path"])
    weights = f"{RUN}/strategies/planned/{last}/weights.pt"
    assert read(workflow, weights) == read(finished, weights)

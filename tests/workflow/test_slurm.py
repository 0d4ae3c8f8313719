"""A small plan on a real Slurm: jobs side by side, what they ask for, where their logs are."""

import threading
import time
from datetime import datetime

import pytest
from cluster import PROFILE, jobs, require_slurm
from running import Workflow

SMALL = {
    "experiments.task.preset": "paper",  # no transition from the start waits for a rival
    "experiments.task.variants": False,
    "experiments.task.strategies": [],
    "experiments.task.states": {
        "sampling": ["cs"],
        "clip_lengths": [16, 32],
        "learning_rates": [0.01],
    },
}
RUN = "simulated/task/seed-1"
PLAN = f"results/{RUN}/plan.yaml"
KNEE = f"results/{RUN}/transitions/start--cs-l1-r1/knee.json"


@pytest.fixture(scope="module")
def planned(tmp_path_factory) -> Workflow:
    require_slurm()
    workflow = Workflow(tmp_path_factory.mktemp("slurm"), SMALL, study="simulated.yaml")
    workflow.check(*PROFILE, PLAN)
    return workflow


def trainings(workflow: Workflow) -> dict[str, dict]:
    """Slurm's jobs that trained a transition, by its name."""
    rule = "rule_train_transition_wildcards_simulated_task_1_"
    comments = {job["Comment"]: job for job in jobs(workflow).values()}
    return {name.removeprefix(rule): job for name, job in comments.items() if rule in name}


def test_a_plan_is_made_by_jobs_of_the_cluster(planned):
    trained = planned.results(f"{RUN}/transitions/*/knee.json")
    assert trained
    assert len(trainings(planned)) == len(trained)
    assert all(job["JobState"] == "COMPLETED" for job in jobs(planned).values())


def test_transitions_that_do_not_depend_on_each_other_run_side_by_side(planned):
    times = {
        name: [datetime.fromisoformat(job[key]) for key in ("StartTime", "EndTime")]
        for name, job in trainings(planned).items()
    }
    first, second = times["start_cs-l1-r1"], times["start_cs-l2-r1"]
    assert max(first[0], second[0]) < min(first[1], second[1])


def test_a_transition_asks_for_what_it_needs(planned):
    job = trainings(planned)["start_cs-l1-r1"]
    assert job["NumCPUs"] == "1"
    assert job["MinMemoryNode"] == "1000M"
    assert "gres:gpu:1" in job["TresPerJob"]
    assert job["TimeLimit"] == "00:15:00"


def test_short_jobs_are_not_sent_to_the_cluster(planned):
    rules = {job["Comment"].split("_wildcards")[0] for job in jobs(planned).values()}
    assert rules == {"rule_initialise", "rule_train_transition"}


def test_a_second_run_has_nothing_to_do(planned):
    assert "Nothing to be done" in planned.check(*PROFILE, PLAN)


def test_an_audit_asks_for_the_cpus_of_the_profile_whatever_this_machine_has(tmp_path):
    require_slurm()
    workflow = Workflow(tmp_path)
    workflow.check("results/tiny/motion/data/index.tsv")
    workflow.check(*PROFILE, "--max-threads", "3", "results/tiny/motion/data/audit.tsv")
    (job,) = jobs(workflow).values()
    assert job["NumCPUs"] == "3"  # this Snakemake was given two cores
    assert job["MinMemoryNode"] == "4000M"
    assert job["TimeLimit"] == "00:16:00"


def test_files_that_are_seen_late_are_waited_for(tmp_path):
    require_slurm()
    workflow = Workflow(tmp_path, SMALL, study="simulated.yaml")
    workflow.check(f"results/{RUN}/initial.pt")
    knee, hidden = tmp_path / KNEE, tmp_path / "hidden.json"

    def hide():
        while not knee.exists():
            time.sleep(0.001)
        knee.rename(hidden)
        time.sleep(8)
        hidden.rename(knee)

    thread = threading.Thread(target=hide, daemon=True)
    thread.start()
    output = workflow.check(*PROFILE, KNEE)
    assert not thread.is_alive()
    assert knee.exists()
    assert "Trying to restart" not in output

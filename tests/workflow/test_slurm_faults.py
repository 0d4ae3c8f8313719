"""Faults on a real Slurm: every job goes on from its last epoch, and none trains twice."""

import os
import re
import shutil
import signal
import time
from pathlib import Path

import pytest
from cluster import PROFILE, START, command, jobs, require_slurm, running, wait_for
from running import Workflow

RUN = "results/tiny/motion/seed-3"
KILLED, TIMED_OUT = "start--cs-l1-r1", "start--us-l1-r1"
EPOCHS = 40
LONG = {
    "defaults.knee": {"delay": 1, "min_epochs_start": EPOCHS, "max_epochs": EPOCHS},
    "defaults.states.sampling": ["cs", "us"],
    "experiments.motion.expected_sampling": None,
    "defaults.strategies": [],
}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Path:
    """A working folder in which two transitions are next, each of `EPOCHS` epochs."""
    require_slurm()
    workflow = Workflow(tmp_path_factory.mktemp("prepared"), LONG)
    workflow.check(f"{RUN}/initial.pt", "results/tiny/motion/data/frames.npy")
    return workflow.folder


def copy_of(prepared: Path, folder: Path) -> Workflow:
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    return Workflow(folder, LONG)


def epochs(workflow: Workflow, transition: str) -> list[list[int]]:
    """Numbers of the epochs that each job has trained of a transition, from its log."""
    log = workflow.folder / RUN / "logs" / f"{transition}.log"
    parts = log.read_text().split(f"{transition}, ")[1:] if log.exists() else []
    return [[int(n) for n in re.findall(r"^epoch +(\d+)", part, re.MULTILINE)] for part in parts]


def wait_for_epochs(workflow: Workflow, transition: str, count: int):
    def trained() -> bool:
        return sum(map(len, epochs(workflow, transition))) >= count

    wait_for(trained, f"epoch {count} of {transition}")


def assert_went_on(workflow: Workflow, transition: str, *, after: int):
    """A second job has finished it, which began after that epoch; no epoch was trained twice."""
    first, second = epochs(workflow, transition)
    assert second[0] > after
    assert second == list(range(second[0], EPOCHS + 1))
    # The line of an epoch comes after its snapshot: a kill between the two leaves it out.
    assert first in (list(range(1, second[0])), list(range(1, second[0] - 1)))
    assert (workflow.folder / RUN / "transitions" / transition / "knee.json").exists()


def trainer(workflow: Workflow, transition: str) -> int:
    """Number of the process that trains: it holds the lock of the work folder."""
    lock = workflow.folder / RUN / "transitions" / transition / "work.lock"
    inode = f":{lock.stat().st_ino} "
    (line,) = (line for line in Path("/proc/locks").read_text().splitlines() if inode in line)
    return int(line.split()[4])


@pytest.fixture(scope="module")
def disturbed(prepared, tmp_path_factory) -> tuple[Workflow, str]:
    """Two jobs side by side: one is killed, one hangs, and the controller is started anew."""
    workflow = copy_of(prepared, tmp_path_factory.mktemp("disturbed"))
    targets = [f"{RUN}/transitions/{name}/knee.json" for name in (KILLED, TIMED_OUT)]
    snakemake = workflow.start(*PROFILE, *targets)
    wait_for_epochs(workflow, TIMED_OUT, 3)
    command("scontrol", "update", f"JobId={running(workflow, TIMED_OUT)}", "TimeLimit=1")
    os.kill(trainer(workflow, TIMED_OUT), signal.SIGSTOP)  # as if its disk did not answer
    wait_for_epochs(workflow, KILLED, 3)
    command("scancel", "--signal=KILL", "--full", running(workflow, KILLED))
    assert command(START, "restart").returncode == 0
    status = snakemake.wait(timeout=400)
    output = workflow.output.read_text()
    assert status == 0, output
    return workflow, output


def test_a_killed_job_goes_on_from_its_last_epoch(disturbed):
    workflow, output = disturbed
    assert_went_on(workflow, KILLED, after=3)
    assert "Trying to restart job" in output


def test_a_job_that_runs_out_of_time_goes_on_from_its_last_epoch(disturbed):
    workflow, _ = disturbed
    assert_went_on(workflow, TIMED_OUT, after=3)
    assert "TIMEOUT" in [job["JobState"] for job in jobs(workflow).values()]


def test_no_job_is_lost_while_the_controller_is_started_anew(disturbed):
    workflow, _ = disturbed
    assert len(jobs(workflow)) == 4  # both, and each once more


HUNGRY = '''"""A network that takes a GiB more from the tenth step of every job on."""

import torch
from torch import nn


class Hungry(nn.Module):
    def __init__(self, num_classes, dropout):
        super().__init__()
        self.classifier = nn.Linear(3, num_classes)
        self.steps, self.hoard = 0, None

    def forward(self, clips):
        self.steps += self.training
        if self.steps == 10:
            self.hoard = torch.ones(2**28)
        return self.classifier(clips.mean((2, 3, 4)))
'''


def test_a_job_that_runs_out_of_memory_gets_more_and_goes_on(tmp_path):
    require_slurm()
    network = {"defaults.network": {"name": "hungry:Hungry", "dropout": 0.0}}
    workflow = Workflow(tmp_path, LONG | network)
    (tmp_path / "hungry.py").write_text(HUNGRY)
    workflow.check(f"{RUN}/initial.pt", "results/tiny/motion/data/frames.npy")
    little = "train_transition:mem_mb=1000 if attempt == 1 else 4000"
    workflow.check("--set-resources", little, *PROFILE, f"{RUN}/transitions/{KILLED}/knee.json")
    assert_went_on(workflow, KILLED, after=3)
    first, second = sorted(jobs(workflow).items())
    assert (first[1]["MinMemoryNode"], second[1]["MinMemoryNode"]) == ("1000M", "4000M")
    log = next(workflow.folder.glob(f".snakemake/slurm_logs/**/{first[0]}.log"))
    assert "exceeded memory limit" in log.read_text()


def test_a_job_outlives_a_killed_snakemake_and_the_next_one_waits_for_it(prepared, tmp_path):
    workflow = copy_of(prepared, tmp_path)
    target = f"{RUN}/transitions/{KILLED}/knee.json"
    snakemake = workflow.start(*PROFILE, target)
    wait_for_epochs(workflow, KILLED, 3)
    first = trainer(workflow, KILLED)
    os.killpg(snakemake.pid, signal.SIGKILL)
    snakemake.wait()
    os.kill(first, signal.SIGSTOP)  # so that it is sure to be at work when the next one comes
    snakemake = workflow.start(*PROFILE, target)
    wait_for(lambda: len(jobs(workflow, states="running")) == 2, "the next job")
    time.sleep(5)
    os.kill(first, signal.SIGCONT)
    assert snakemake.wait(timeout=300) == 0, workflow.output.read_text()
    assert epochs(workflow, KILLED) == [list(range(1, EPOCHS + 1))]  # all by the first job
    assert (workflow.folder / target).exists()

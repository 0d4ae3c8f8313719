"""Faults on one machine: two runs at once, a full disk, kills at random moments."""

import json
import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from running import Workflow

SMALL = {
    "experiments.task.preset": "paper",
    "experiments.task.variants": False,
    "experiments.task.strategies": [],
    "experiments.task.states": {"clip_lengths": [16, 32], "learning_rates": [0.01, 0.001]},
}
RUN = "simulated/task/seed-1"
KILLS = int(os.environ.get("OPTPLAN_KILLS", "10"))  # a hundred take five minutes


def small(folder: Path) -> Workflow:
    """A plan of 14 transitions; for more kills than a few, one of 36."""
    changes = SMALL if KILLS <= 10 else SMALL | {"experiments.task.states": {}}
    return Workflow(folder, changes, study="simulated.yaml")


def test_of_two_runs_of_a_study_at_once_the_second_is_refused(tmp_path):
    workflow = small(tmp_path)
    runs = [workflow.start(f"results/{RUN}/initial.pt") for _ in range(2)]
    assert sorted(run.wait(timeout=120) for run in runs) == [0, 1]
    output = workflow.output.read_text()
    first = next(run for run in runs if run.returncode == 0)
    assert (
        f"study: simulated is already being worked on in {tmp_path}, by process {first.pid} on"
        in output
    )
    assert "--unlock" not in output
    assert workflow.results(f"{RUN}/initial.pt")


def test_a_dry_run_is_possible_while_the_study_runs(tmp_path):
    workflow = small(tmp_path)
    run = workflow.start(f"results/{RUN}/initial.pt")
    while not (tmp_path / ".snakemake" / "optplan-simulated.lock").exists():
        time.sleep(0.05)
    assert "This was a dry-run" in workflow.check("--dry-run")
    assert run.wait(timeout=120) == 0


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 400 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=400m", "none", str(disk)]
    if os.geteuid() or subprocess.run(mount, check=False).returncode:
        pytest.skip("a disk of its own takes root")
    yield disk
    subprocess.run(["umount", "--lazy", disk], check=True)


def fill(disk: Path) -> Path:
    """A file that leaves the disk no room."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        for size in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while file.write(bytes(size)) == size:
                    pass
    return filler


def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(small_disk, tmp_path):
    transition = "results/tiny/motion/seed-3/transitions/start--cs-l1-r1"
    changes = {"defaults.knee": {"delay": 1, "min_epochs_start": 60, "max_epochs": 60}}
    workflow = Workflow(tmp_path, changes)
    (tmp_path / "results").symlink_to(small_disk)
    run = workflow.start(f"{transition}/knee.json")
    third = tmp_path / transition / "work" / "epoch-0003.pt"
    while not third.exists():
        assert run.poll() is None, workflow.output.read_text()
        time.sleep(0.02)
    filler, inode = fill(small_disk), third.stat().st_ino
    assert run.wait(timeout=120) == 1
    assert "No space left on device: 'results/tiny/motion" in workflow.output.read_text()
    assert third.stat().st_ino == inode
    filler.unlink()
    workflow.check(f"{transition}/knee.json")
    assert json.loads((tmp_path / transition / "knee.json").read_text())["trained_epochs"] == 60


def test_a_job_does_not_need_room_on_the_scratch_disk(small_disk, tmp_path):
    fill(small_disk)
    changes = {"defaults.compute": {"processes": 2}}
    workflow = Workflow(tmp_path, changes, TMPDIR=str(small_disk))
    workflow.check("results/tiny/motion/seed-3/transitions/start--cs-l1-r1/knee.json")


def chosen(workflow: Workflow) -> dict[str, int]:
    """Outcomes that a state has been chosen from, and which files they are (their inodes)."""
    found = {}
    for content in workflow.results(f"{RUN}/states/*.json").values():
        for candidate in json.loads(content)["candidates"]:
            path = f"{RUN}/transitions/{candidate['transition']}/knee.json"
            found[path] = (workflow.folder / "results" / path).stat().st_ino
    return found


def test_kills_at_random_moments_lose_nothing(tmp_path):
    undisturbed, workflow = small(tmp_path / "undisturbed"), small(tmp_path / "disturbed")
    plan = f"results/{RUN}/plan.yaml"
    undisturbed.check(plan)
    step = len(undisturbed.results()) // KILLS  # the kills come all along the way
    moments, finished, kills = random.Random(KILLS), {}, 0
    for _ in range(KILLS):
        wanted = len(workflow.results()) + moments.randint(0, step)
        run = workflow.start(plan)
        while run.poll() is None and len(workflow.results()) < wanted:
            time.sleep(0.02)
        time.sleep(moments.uniform(0, 0.5))
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
            run.wait()
            kills += 1
        now = chosen(workflow)
        assert finished.items() <= now.items(), "something finished was trained again, or is lost"
        finished = now
    print(f"{kills} kills of {KILLS} came while it ran")
    assert kills > KILLS / 2
    assert finished, "no kill came after a transition had finished: nothing was tested"
    workflow.check(plan)
    assert finished.items() <= chosen(workflow).items()
    for pattern in ("plan.yaml", "transitions/*/[ckw]*.*", "states/*.json"):
        assert workflow.results(f"{RUN}/{pattern}") == undisturbed.results(f"{RUN}/{pattern}")
    assert "Nothing to be done" in workflow.check(plan)

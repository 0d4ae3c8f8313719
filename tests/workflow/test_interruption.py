"""SIGKILL at any moment, then the same command: nothing is lost, and the bytes are the same."""

import os
import random
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import pytest
from running import Workflow

# They say how long it took.
TIMES = (
    "cost.json",
    "snapshot.pt",
    "comparison.csv",
    "comparison.md",
    "costs.csv",
    "costs.md",
    "provenance.json",
    "provenance.html",
    "audit.jsonl",
)


def kill_everything(process: subprocess.Popen):
    os.killpg(process.pid, signal.SIGKILL)


def kill_snakemake_alone(process: subprocess.Popen):
    """Its jobs live on, as those of a workflow manager on another machine would."""
    process.kill()


def progress(workflow: Workflow) -> int:
    """Epochs trained so far."""
    return sum(log.count(b"epoch ") for log in workflow.results("**/seed-3/logs/*.log").values())


def check_epochs(workflow: Workflow, seen: dict[Path, int]):
    """No epoch is trained twice: its weights stay the same file. The last one may not count yet."""
    for folder in workflow.folder.glob("results/**/work"):
        for path in sorted(folder.glob("epoch-*.pt"))[:-1]:
            with suppress(FileNotFoundError):  # the stage has just finished
                inode = path.stat().st_ino
                assert seen.setdefault(path, inode) == inode, f"{path} was trained again"


def half_trained(workflow: Workflow) -> bool:
    """Whether a stage has epochs on disk, and no result yet."""
    snapshots = workflow.folder.glob("results/**/snapshot.pt")
    return any(not path.parents[1].joinpath("cost.json").exists() for path in snapshots)


def run_with_kills(workflow: Workflow, kill, moments: random.Random) -> dict[str, bytes]:
    """Kill the same command again and again; the costs of what had finished at each kill.

    The first kill comes while the videos are prepared, every other one when some epochs more have
    been trained, and at most half a second later.
    """
    finished, epochs, interrupted = {}, {}, 0
    for kills in range(7):
        process, before = workflow.start(), progress(workflow)
        wanted = 0 if kills == 0 else moments.randint(2, 6)
        while process.poll() is None and progress(workflow) < before + wanted:
            check_epochs(workflow, epochs)
            time.sleep(0.05)
        time.sleep(moments.uniform(2, 4) if kills == 0 else moments.uniform(0, 0.5))
        if process.poll() is None:
            kill(process)
            process.wait()
        interrupted += half_trained(workflow)
        finished = workflow.results("**/cost.json") | finished
        check_epochs(workflow, epochs)
    workflow.check()
    assert interrupted, "no kill came while a stage trained: nothing was tested"
    return finished


def written_once(results: dict[str, bytes]) -> dict[str, bytes]:
    """Without TensorBoard's events, of which every process writes files of its own."""
    return {path: content for path, content in results.items() if "/tensorboard/" not in path}


@pytest.mark.parametrize("kill", [kill_everything, kill_snakemake_alone])
def test_a_killed_run_goes_on_to_the_same_bytes(finished, tmp_path, kill):
    workflow = Workflow(tmp_path)
    costs = run_with_kills(workflow, kill, random.Random(kill.__name__))
    assert costs, "no kill came after a stage had finished: nothing was tested"

    # What took time has its times written down: they would differ if it had been done again.
    now = workflow.results("**/cost.json")
    repeated = [path for path, content in costs.items() if now[path] != content]
    assert not repeated

    undisturbed, disturbed = (written_once(run.results()) for run in (finished, workflow))
    assert undisturbed.keys() ^ disturbed.keys() == set()
    differing = [
        path
        for path, content in undisturbed.items()
        if disturbed[path] != content and not path.endswith((*TIMES, ".log"))
    ]
    assert not differing
    assert "Nothing to be done" in workflow.check()

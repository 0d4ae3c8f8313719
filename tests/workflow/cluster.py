"""The Slurm of tests/slurm/start.sh, and studies that run on it."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from running import ROOT, Workflow

START = ROOT / "tests" / "slurm" / "start.sh"
CONFIG = Path("/etc/slurm/slurm.conf")
PROFILE = ("--profile", "slurm", "--slurm-init-seconds-before-status-checks", "2")


def require_slurm():
    """Skip the test where that Slurm does not run: never submit to a cluster of other people."""
    ours = CONFIG.exists() and "ClusterName=optplan-tests\n" in CONFIG.read_text()
    if not ours or not shutil.which("sinfo") or command("sinfo", "--noheader").returncode:
        pytest.skip(f"no Slurm for the tests: {START.relative_to(ROOT)}, as root, starts one")


def command(*words) -> subprocess.CompletedProcess:
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=60)


def jobs(workflow: Workflow, *, states: str = "all") -> dict[int, dict[str, str]]:
    """Slurm's description of the jobs that were submitted for a working folder, by number."""
    query = command("squeue", "--states", states, "--noheader", "--format", "%A %o")
    found = {}
    for line in query.stdout.splitlines():
        number, _, _ = line.partition(" ")
        text = command("scontrol", "show", "job", number, "--oneliner").stdout
        if str(workflow.folder) in text:
            found[int(number)] = dict(word.split("=", 1) for word in text.split() if "=" in word)
    return found


def running(workflow: Workflow, transition: str) -> int:
    """Number of the Slurm job that trains a transition."""
    words = transition.replace("--", "_")
    for number, job in jobs(workflow, states="running").items():
        if job["Comment"].endswith(words):
            return number
    raise LookupError(transition)


def wait_for(condition, what: str, *, seconds: float = 120):
    """Look every tenth of a second until `condition()` holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"{what}: not within {seconds} s"
        time.sleep(0.1)

import signal
import subprocess
import sys
import time
from threading import Timer

import pytest

from optplan.locks import claim_study, claimed, held, join_runs

HOLD = """
import sys, time
from pathlib import Path
from optplan.locks import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""
JOIN = """
import sys, time
from pathlib import Path
from optplan.locks import join_runs
join_runs(Path(sys.argv[1]))
print("joined", flush=True)
time.sleep(60)
"""
STUDY = """
import sys, time
from pathlib import Path
from optplan.locks import claim_study
claim_study(Path(sys.argv[1]), "scenes")
print("claimed", flush=True)
time.sleep(60)
"""
CLAIM = """
import sys, time
from optplan.locks import claimed
with claimed(sys.argv[2:], int(sys.argv[1])) as numbers:
    print(numbers, flush=True)
    time.sleep(60)
"""
# Its child goes on living, with all of its open files.
CLAIM_AND_FORK = CLAIM.replace("time.sleep(60)", "import os; os.fork(); time.sleep(20)")


def start(code: str, *arguments) -> subprocess.Popen:
    """A process that has said that it holds what it should."""
    command = [sys.executable, "-c", code, *map(str, arguments)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    process.stdout.readline()
    return process


def test_a_lock_is_waited_for_and_told_of(tmp_path, capsys):
    path = tmp_path / "work.lock"
    other = start(HOLD, path, 1)
    began = time.monotonic()
    with held(path):
        assert other.wait() == 0
    assert time.monotonic() - began > 0.5
    assert f"waiting for the process that holds {path}" in capsys.readouterr().err


def test_a_lock_ends_with_a_killed_process(tmp_path):
    other = start(HOLD, tmp_path / "work.lock", 60)
    other.send_signal(signal.SIGKILL)
    other.wait()
    with held(tmp_path / "work.lock"):
        pass


def test_a_lock_ends_with_an_error_inside_it_and_leaves_no_file(tmp_path):
    path = tmp_path / "work.lock"
    with pytest.raises(KeyError), held(path):
        raise KeyError
    assert not path.exists()
    with held(path):
        assert path.exists()


def test_locks_of_a_killed_run_are_removed(tmp_path):
    folder = tmp_path / ".snakemake"
    other = start(JOIN, folder)
    other.send_signal(signal.SIGKILL)
    other.wait()
    (folder / "locks").mkdir()
    join_runs(folder)
    assert not (folder / "locks").exists()


def test_locks_of_a_living_run_stay(tmp_path):
    folder = tmp_path / ".snakemake"
    others = [start(JOIN, folder), start(JOIN, folder)]
    (folder / "locks").mkdir()
    join_runs(folder)
    assert (folder / "locks").exists()
    for other in others:
        other.kill()
        other.wait()


def test_a_study_has_one_run_at_a_time_and_the_second_is_told_of_the_first(tmp_path):
    other = start(STUDY, tmp_path)
    claim_study(tmp_path, "gestures")
    with pytest.raises(ValueError, match=f"study: scenes is already .* by process {other.pid} on"):
        claim_study(tmp_path, "scenes")
    other.kill()
    other.wait()
    claim_study(tmp_path, "scenes")


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A temporary folder of its own for this process and those that it starts."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


def test_every_job_claims_a_device_of_its_own(machine):
    other = start(CLAIM, 1, "a", "b")
    with claimed(["a", "b", "c"], 2) as numbers:
        assert numbers == [1, 2]
    other.kill()
    other.wait()


def test_a_claimed_device_is_waited_for(machine, capsys):
    other = start(CLAIM, 1, "a", "b")
    Timer(0.5, other.kill).start()
    with claimed(["a", "b"], 2) as numbers:
        assert numbers == [0, 1]
    assert other.wait() == -signal.SIGKILL
    assert "waiting for 2 of 2 devices" in capsys.readouterr().err


def test_a_killed_job_frees_its_device_though_its_children_live_on(machine):
    other = start(CLAIM_AND_FORK, 1, "a")
    other.kill()
    other.wait()
    began = time.monotonic()
    with claimed(["a"], 1) as numbers:
        assert numbers == [0]
    assert time.monotonic() - began < 10  # the child lives for 20 s

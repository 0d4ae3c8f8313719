import signal
import subprocess
import sys
import time

import pytest

from optplan.locks import held, join_runs

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

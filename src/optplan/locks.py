"""Locks that go with their process, however it ends (`flock`)."""

import fcntl
import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

_runs = []


@contextmanager
def held(path: Path):
    """Hold the lock file `path`; waits as long as another process holds it.

    The other one is usually what a killed run has left behind, still training: whoever waits for it
    goes on from what it leaves on disk.
    """
    while True:
        with path.open("w") as file:
            if not _try(file):
                print(f"waiting for the process that holds {path}", file=sys.stderr, flush=True)
                fcntl.flock(file, fcntl.LOCK_EX)
            if not _is_at(file, path):  # its holder has removed it meanwhile
                continue
            try:
                yield
            finally:
                path.unlink()
            return


def join_runs(folder: Path):
    """Register this process as a Snakemake run of the working folder whose `.snakemake` is given.

    Snakemake's own locks stay behind when it is killed, and would then stop the next run. They are
    removed if no other run is alive; if there is one, Snakemake itself decides.
    """
    folder.mkdir(exist_ok=True)
    file = (folder / "optplan.lock").open("w")  # stays open, and so held, as long as the process
    _runs.append(file)
    if _try(file):
        shutil.rmtree(folder / "locks", ignore_errors=True)
    fcntl.flock(file, fcntl.LOCK_SH)


def _try(file) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_at(file, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False

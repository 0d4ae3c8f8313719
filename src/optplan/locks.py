"""Locks that go with their process, however it ends."""

import fcntl
import os
import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO

_runs: list[IO] = []  # files that stay open, and so held, as long as the process


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


@contextmanager
def claimed(names: Sequence[str], count: int) -> Iterator[list[int]]:
    """Hold the first `count` free ones of the machine's devices `names`; yields their positions.

    Waits until there are as many, holding none meanwhile: jobs that want several cannot block each
    other. Every process of this machine that claims takes part, whoever's it is.
    """
    said = False
    while True:
        with ExitStack() as stack:
            free: list[int] = []
            for number, name in enumerate(names):
                file = stack.enter_context(_shared_file(f"optplan-{name}.lock"))
                if len(free) < count and _try_claim(file):
                    free.append(number)
            if len(free) == count:
                yield free
                return
        if not said:
            said = True
            print(f"waiting for {count} of {len(names)} devices", file=sys.stderr, flush=True)
        time.sleep(1)


def join_runs(folder: Path):
    """Register this process as a Snakemake run of the working folder whose `.snakemake` is given.

    Snakemake's own locks stay behind when it is killed, and would then stop the next run. They are
    removed if no other run is alive; if there is one, Snakemake itself decides.
    """
    folder.mkdir(exist_ok=True)
    file = (folder / "optplan.lock").open("w")
    _runs.append(file)
    if _try(file):
        shutil.rmtree(folder / "locks", ignore_errors=True)
    fcntl.flock(file, fcntl.LOCK_SH)


def claim_study(folder: Path, name: str):
    """Work on the study `name` of the working folder whose `.snakemake` is given, as its only run.

    Raises ValueError if another process does, naming it. Snakemake's own locks would refuse it too,
    but not if both start at the same moment, and with the advice to remove the locks by hand.
    """
    folder.mkdir(exist_ok=True)
    file = (folder / f"optplan-{name}.lock").open("a+")
    if not _try(file):
        file.seek(0)
        raise ValueError(
            f"study: {name} is already being worked on in {Path.cwd()}, by {file.read()}. Wait "
            f"until it is done, or end it; a dry run (-n) is possible meanwhile"
        )
    file.truncate(0)
    file.write(f"process {os.getpid()} on {platform.node()}, since {datetime.now():%Y-%m-%d %H:%M}")
    file.flush()
    _runs.append(file)


def _try(file) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise OSError(
            error.errno,
            f"{error.strerror}: this file system has no locks, without which two processes could "
            f"train the same (Lustre has them with the mount option flock)",
            file.name,
        ) from error
    return True


def _try_claim(file) -> bool:
    try:  # unlike flock, not inherited by decoding processes, which may outlive a killed job
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def _shared_file(name: str):
    """A file of the machine's temporary folder that all of its users may lock."""
    path = Path(tempfile.gettempdir(), name)
    try:  # where the folder is sticky, no one but its owner may open a file as a new one
        return path.open("r+")
    except FileNotFoundError:
        file = path.open("a+")
        path.chmod(0o666)
        return file


def _is_at(file, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False

"""Writing files so that one that exists is whole, whenever the process ends."""

import json
import os
import shutil
from pathlib import Path


def write_bytes(content: bytes, path: str | Path):
    """Write under another name, then rename.

    An OSError, as of a full disk, names the path, and leaves the file that was there as it was.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OSError(error.errno, error.strerror, str(path)) from error


def write_json(value, path: str | Path):
    """JSON that a person can read."""
    write_bytes((json.dumps(value, indent=2) + "\n").encode(), path)


def write_lines(values, path: str | Path):
    """One JSON value a line."""
    write_bytes("".join(json.dumps(value) + "\n" for value in values).encode(), path)


def link_or_copy(source: Path, path: Path):
    """Let `path` be the file `source` too: without its bytes again where the disk allows it."""
    path = Path(path)
    if path.exists() and path.samefile(source):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.unlink(missing_ok=True)
    try:
        os.link(source, partial)
    except OSError:
        shutil.copyfile(source, partial)
    partial.replace(path)

"""A journal of long work on many files: what is done stays done when the work is killed."""

import json
from pathlib import Path


class Journal:
    """One line of JSON per finished file, appended; a half-written line is as good as none.

    A line counts as long as its file has the same size and time and the work was done in the same
    way: `way` names all else that the outcome follows from.
    """

    def __init__(self, path: str | Path, way: str):
        self._path, self._way = Path(path), way
        self._done: dict[str, tuple[str, dict]] = {}
        torn = False
        if self._path.exists():
            text = self._path.read_bytes()
            torn = not text.endswith(b"\n")
            for line in text.splitlines():
                self._read(line)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab")
        if torn:
            self._file.write(b"\n")

    def find(self, name: str, file: Path) -> dict | None:
        """What was noted about the file called `name`, unless the file has changed since."""
        stamp, outcome = self._done.get(name, (None, None))
        return outcome if stamp is not None and stamp == self._stamp(file) else None

    def add(self, name: str, file: Path, outcome: dict):
        """Note the outcome of the file called `name`; it survives the end of this process."""
        entry = {"name": name, "stamp": self._stamp(file), "outcome": outcome}
        self._file.write(json.dumps(entry).encode() + b"\n")
        self._file.flush()

    def close(self):
        self._file.close()

    def _read(self, line: bytes):
        try:
            entry = json.loads(line)
            self._done[entry["name"]] = (entry["stamp"], entry["outcome"])
        except (ValueError, KeyError, TypeError):
            pass  # torn by a kill or a power cut

    def _stamp(self, file: Path) -> str | None:
        try:
            state = file.stat()
        except OSError:
            return None
        return f"{state.st_size} {state.st_mtime_ns} {self._way}"

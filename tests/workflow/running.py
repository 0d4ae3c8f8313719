"""Real Snakemake runs of tiny studies, each in a working folder of its own."""

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import yaml

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


class Workflow:
    """Snakemake in the working folder `folder`, with the tiny study changed by `changes`.

    A key of `changes` is the dotted path of a setting; `study` is another file than tiny.yaml, and
    `environment` is added to the variables of this process.
    """

    def __init__(
        self, folder: Path, changes: dict | None = None, *, study="tiny.yaml", **environment: str
    ):
        self.folder, self.environment = folder, os.environ | environment
        config = yaml.safe_load((HERE / study).read_text())
        for path, value in (changes or {}).items():
            *parents, key = path.split(".")
            group = config
            for parent in parents:
                group = group.setdefault(parent, {})
            group[key] = value
        folder.mkdir(parents=True, exist_ok=True)
        self.config = folder / "config.yaml"
        self.config.write_text(yaml.safe_dump(config))
        self.output = folder / "output.txt"

    def start(self, *arguments) -> subprocess.Popen:
        """The running Snakemake, leader of its own process group; its output goes to a file."""
        command = [
            Path(sys.executable).with_name("snakemake"),
            *arguments,  # a target after --configfile would be taken for one
            *("--cores", "2", "--directory", self.folder, "--configfile", self.config),
        ]
        with self.output.open("a") as output:
            return subprocess.Popen(
                list(map(str, command)),
                cwd=ROOT,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def run(self, *arguments) -> tuple[int, str]:
        """Exit status and everything printed."""
        before = len(self.output.read_text()) if self.output.exists() else 0
        process = self.start(*arguments)
        try:
            return process.wait(timeout=600), self.output.read_text()[before:]
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)

    def check(self, *arguments) -> str:
        """Everything printed by a run that has to succeed."""
        status, output = self.run(*arguments)
        assert status == 0, output
        return output

    def results(self, pattern: str = "**/*") -> dict[str, bytes]:
        """Files below results/ and their bytes; without those that vanish meanwhile."""
        root, contents = self.folder / "results", {}
        for path in sorted(root.glob(pattern)):
            with suppress(FileNotFoundError, IsADirectoryError):
                contents[str(path.relative_to(root))] = path.read_bytes()
        return contents

"""What Snakemake itself costs per transition: seconds of its processor, and memory.

    .venv/bin/python benchmarks/workflow.py              1 and 10 experiments, planned
    .venv/bin/python benchmarks/workflow.py --dry-run    the dry run alone, also of 100

Every experiment plans 36 transitions of a simulated task, whose training takes no time.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import yaml
from tabulate import tabulate

ROOT = Path(__file__).parents[1]
TICK = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Process:
    """What a process has taken so far, in processor seconds and MiB, without its children."""

    seconds: float = 0.0
    memory: float = 0.0

    def look(self, number: int):
        """Update from /proc, as long as it is there."""
        try:
            fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            status = Path(f"/proc/{number}/status").read_text()
            (peak,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        except (FileNotFoundError, ProcessLookupError, ValueError):  # it has ended
            return
        self.seconds = (int(fields[11]) + int(fields[12])) / TICK
        self.memory = int(peak.split()[1]) / 1024


def study(experiments: int) -> dict:
    """A study with so many simulated tasks."""
    data = {f"task-{n}": {"data": {"format": "simulated", "task": n}} for n in range(experiments)}
    return {"study": "many", "experiments": data}


def measure(experiments: int, *, dry_run: bool) -> dict:
    """Plan so many experiments in a folder of their own; one row of the table."""
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "study.yaml")
        config.write_text(yaml.safe_dump(study(experiments)))
        plans = [f"results/many/task-{n}/seed-1/plan.yaml" for n in range(experiments)]
        command = [str(Path(sys.executable).with_name("snakemake")), *plans, "--cores", "2"]
        command += ["--quiet", "all", "--directory", folder, "--configfile", str(config)]
        began, taken = time.monotonic(), Process()
        with Path(folder, "output.txt").open("w") as output:
            process = subprocess.Popen(
                command + ["--dry-run"] * dry_run, cwd=ROOT, stdout=output, stderr=output
            )
            while process.poll() is None:
                taken.look(process.pid)
                time.sleep(0.1)
        if process.returncode:
            sys.exit(Path(folder, "output.txt").read_text())
        trained = len(list(Path(folder).glob("results/**/knee.json"))) or 36 * experiments
    return {
        "experiments": experiments,
        "transitions": trained,
        "s of Snakemake": f"{taken.seconds:.1f}",
        "s per transition": f"{taken.seconds / trained:.3f}",
        "peak memory (MiB)": f"{taken.memory:.0f}",
        "wall clock (s)": f"{time.monotonic() - began:.0f}",
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--experiments", type=int, nargs="+")
    parser.add_argument("--dry-run", action="store_true")
    arguments = parser.parse_args()
    numbers = arguments.experiments or ([1, 10, 100] if arguments.dry_run else [1, 10])
    rows = [measure(number, dry_run=arguments.dry_run) for number in numbers]
    print(tabulate(rows, "keys", "pipe", disable_numparse=True))


if __name__ == "__main__":
    main()

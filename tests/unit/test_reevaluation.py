"""Snakemake itself plans small workflows here, and notes how often it asks for input."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from snakemake.exceptions import IncompleteCheckpointException
from snakemake.io import is_flagged

from optplan.reevaluation import together, when_due

COUNT = 6
SNAKEFILE = """
from pathlib import Path
from optplan.reevaluation import together, when_due

def get(name):
    return checkpoints.choose.get(name=name).output[0]

@when_due
def chosen(wildcards):
    with open("asked.txt", "a") as file:
        print(wildcards.name, file=file)
    files = together(get, [wildcards.name, "x" + wildcards.name])
    return [*files.values(), *(Path(file).read_text().strip() for file in files.values())]

rule all:
    input: expand("used-{name}", name=range(6)), expand("chosen-x{name}", name=range(6))

checkpoint choose:
    output: "chosen-{name}"
    shell: "echo made-{wildcards.name} > {output}"

rule make:
    output: "made-{name}"
    shell: "touch {output}"

rule use:
    input: chosen
    output: "used-{name}"
    shell: "echo {input} > {output}"
"""


@pytest.fixture
def workflow(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)

    def run(*arguments) -> Counter:
        """Run it; how often was asked for the input of each job."""
        asked = tmp_path / "asked.txt"
        asked.unlink(missing_ok=True)
        snakemake = Path(sys.executable).with_name("snakemake")
        command = [snakemake, "--cores", "1", "--scheduler", "greedy", "--quiet", "all"]
        subprocess.run([*command, *arguments], cwd=tmp_path, check=True)
        for name in range(COUNT):
            inputs = f"chosen-{name} chosen-x{name} made-{name} made-x{name}\n"
            assert (tmp_path / f"used-{name}").read_text() == inputs
        return Counter(asked.read_text().split())

    return run


def test_a_job_is_asked_for_its_input_when_its_own_checkpoints_are_made(workflow):
    asked = workflow()
    assert len(asked) == COUNT
    assert max(asked.values()) <= 3  # at the start, and once after each of its two checkpoints


@pytest.mark.parametrize("missing", ["chosen-3", "made-3"])
def test_what_is_missing_is_made_again_from_the_same_files(workflow, tmp_path, missing):
    workflow()
    for file in tmp_path.glob(missing):
        file.unlink()
    (tmp_path / "used-3").unlink(missing_ok=True)
    workflow()


def test_a_checkpoint_of_an_earlier_run_is_left_to_snakemake(tmp_path):
    file = tmp_path / "record.json"

    @when_due
    def inputs():
        raise IncompleteCheckpointException("rule", str(file))

    (asked,) = inputs()
    assert asked == str(file)
    assert is_flagged(asked, "checkpoint_target")
    file.touch()
    with pytest.raises(IncompleteCheckpointException):
        inputs()


def test_all_missing_checkpoints_are_asked_for_at_once():
    def get(name):
        if name != "there":
            raise IncompleteCheckpointException("rule", f"{name}.json")
        return "there.json"

    assert when_due(together)(get, ["one", "there", "two"]) == ["one.json", "two.json"]
    assert together(get, ["there"]) == {"there": "there.json"}

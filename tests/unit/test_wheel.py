"""A wheel of the package has all that it needs, without the repository around it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[2]
USE = """
import optplan
from optplan.config import resolve
from optplan.reporting.published import released_plans
from optplan.video.official import facts

data = {"format": "simulated"}
settings = resolve({"experiments": {"mine": {"preset": "economical", "data": data}}})
assert settings["experiments"]["mine"]["planning"]["race"] == 0.01
assert facts("hmdb51") and released_plans()
print(optplan.__file__)
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory) -> Path:
    """The content of the wheel, built from a copy."""
    folder = tmp_path_factory.mktemp("wheel")
    skipped = shutil.ignore_patterns("*.egg-info", "__pycache__")
    for name in ("src", "config"):
        shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=skipped)
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, folder]
    subprocess.run([sys.executable, "-m", "pip", *build], check=True)
    (wheel,) = folder.glob("*.whl")
    ZipFile(wheel).extractall(folder / "unpacked")
    return folder / "unpacked"


def test_what_is_installed_reads_its_own_configuration(unpacked):
    environment = os.environ | {"PYTHONPATH": str(unpacked)}
    command = [sys.executable, "-c", USE]
    output = subprocess.check_output(command, env=environment, cwd=unpacked, text=True)
    assert output.strip() == str(unpacked / "optplan" / "__init__.py")


def test_what_is_installed_says_that_it_has_types(unpacked):
    assert (unpacked / "optplan" / "py.typed").exists()

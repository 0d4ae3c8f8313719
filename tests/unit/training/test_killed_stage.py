"""SIGKILL at any moment costs less than an epoch, and changes nothing."""

import subprocess
import sys
from pathlib import Path

from tiny import SETTINGS

from optplan.training.snapshots import Snapshots

SCRIPT = Path(__file__).with_name("killed_stage.py")


def run(folder: Path, kills: int) -> list[int]:
    """Epochs on disk after each of the kills."""
    command = [sys.executable, str(SCRIPT), str(folder), str(kills)]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return [int(line) for line in output.split()]


def test_20_kills_at_random_moments_leave_the_same_bytes(tmp_path):
    run(tmp_path / "whole", 0)
    epochs = run(tmp_path / "killed", 20)
    assert epochs == sorted(epochs)  # nothing is lost
    assert len(set(epochs)) > 3  # and the kills came in the midst of it
    curves = [
        Snapshots(tmp_path / name / "work", SETTINGS).restore()["curve"]
        for name in ("whole", "killed")
    ]
    assert len(curves[0]) > 80
    assert curves[0] == curves[1]
    weights = [(tmp_path / name / "weights.pt").read_bytes() for name in ("whole", "killed")]
    assert weights[0] == weights[1]

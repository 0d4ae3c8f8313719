"""The benchmark of flow runs, and its scenes move as it says."""

import sys
from pathlib import Path

import cv2
import numpy as np

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import flow


def test_the_frames_of_a_scene_move_by_its_flow():
    video, true = flow.scene(64, 3, frames=3, seed=0)
    y, x = np.mgrid[:64, :85].astype(np.float32)
    moved = cv2.remap(video[1], x + true[0, ..., 0], y + true[0, ..., 1], cv2.INTER_LINEAR)
    inner = np.s_[6:-6, 6:-6]
    error = np.median(abs(moved[inner].astype(int) - video[0][inner]))
    still = np.median(abs(video[1][inner].astype(int) - video[0][inner]))
    assert error < 2 * flow.NOISE < still


def test_every_method_and_every_way_to_store_has_a_row(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["flow.py", "--sides", "24", "--frames", "3"])
    flow.main()
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith("| TV-L1, ")]) == len(flow.TVL1_SETTINGS)
    assert len([line for line in lines if line.startswith("| DIS ")]) == len(flow.DIS)
    sizes = [float(line.split("|")[2]) for line in lines if line.startswith("| H.264")]
    assert sizes == sorted(sizes, reverse=True)

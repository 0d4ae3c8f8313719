"""The benchmark of decoding runs, and its methods cut the same clips."""

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
sys.path.append(str(Path(__file__).parent / "video"))
import decoding
from encode import barcodes, encode_barcodes


@pytest.fixture
def videos(tmp_path):
    for number in range(2):
        encode_barcodes(tmp_path / f"{number}.mp4", height=96, width=128, g="60")
    encode_barcodes(tmp_path / "old.avi", height=96, width=128, codec="mpeg4", bf="2")
    return tmp_path


def run(videos, monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["decoding.py", "--videos", str(videos), *arguments])
    decoding.main()
    return capsys.readouterr().out.splitlines()


def test_every_method_gets_a_row_with_two_ratios(videos, monkeypatch, capsys):
    lines = run(videos, monkeypatch, capsys, "--clips", "2")
    rows = [line.split(" | ") for line in lines if line.startswith(("| optplan", "| PyAV"))]
    assert [row[0] for row in rows] == [
        "| PyAV, plain",
        "| optplan",
        "| optplan, decoder: decord",
        "| optplan, prepare: 256",
        "| optplan, prepare: 256, normalised on the CPU",
        "| optplan, prepare: 256, cache",
    ]
    assert all(len(row) == 7 and float(row[1]) > 0 for row in rows)


def test_memory_is_printed_along_the_way(videos, monkeypatch, capsys):
    lines = run(videos, monkeypatch, capsys, "--memory", "--clips", "101")
    assert [line.split(" | ")[0] for line in lines[-2:]] == ["| 100", "| 101"]


@pytest.mark.parametrize("library", ["decord", "torchcodec", "pyav"])
def test_the_readers_that_are_compared_with_read_the_same_frames(videos, library):
    if library != "pyav":
        pytest.importorskip(library, exc_type=(ImportError, RuntimeError), reason="is not there")
    indices = np.arange(20, 36)
    frames = getattr(decoding, f"{library}_frames")(videos / "0.mp4", indices)
    assert barcodes(frames) == indices.tolist()

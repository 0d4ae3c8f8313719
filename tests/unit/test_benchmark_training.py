"""The benchmark of training runs, and its table compares all loops."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import training

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_table_compares_the_loops_and_times_the_start(monkeypatch, capsys):
    arguments = ["--frames", "4", "--videos", "4", "--rounds", "1"]
    monkeypatch.setattr(sys, "argv", ["training.py", *arguments])
    monkeypatch.setattr(training, "start_up", lambda args: "start-up: not timed here")
    training.main()
    table, note, _ = capsys.readouterr().out.split("\n\n")
    _, _, *rows = table.splitlines()
    names, rates, ratios = zip(*(row.strip("|").split("|") for row in rows), strict=True)
    assert [name.strip() for name in names] == [
        "plain loop",
        "optplan, from the video files",
        "optplan, `cache: true`",
        "forward, backward and step alone",
    ]
    assert min(map(float, rates)) > 0
    assert float(ratios[0]) == 1
    assert "clips of 4 x 32 x 32 an epoch, body small" in note

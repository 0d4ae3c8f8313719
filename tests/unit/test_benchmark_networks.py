"""The benchmark of networks runs, and its plain DG-P3D is the same network."""

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import networks

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_table_compares_speed_memory_and_utilisation(monkeypatch, capsys):
    arguments = "--frames 8 --size 32 --batch 2 --rounds 1 --body small --matrix 64"
    monkeypatch.setattr(sys, "argv", ["networks.py", *arguments.split()])
    monkeypatch.setattr(networks, "TORCHVISION", ("s3d",))
    networks.main()
    heads, _, *rows, _, note = capsys.readouterr().out.splitlines()
    assert len(rows) == 3
    for row in rows:
        assert row.count("|") == heads.count("|")
        numbers = [float(cell.strip(" %")) for cell in row.split("|")[2:-1]]
        assert min(numbers) >= 0
        assert numbers[1] > 0
    assert " 1.00 " in rows[0]
    assert note.startswith("2 clips of 8 x 32 x 32")


def test_the_plain_network_computes_the_same_with_other_convolutions():
    torch.manual_seed(1)
    folded = networks.build(networks.DG_P3D, "small", "contiguous_format", ()).eval()
    torch.manual_seed(1)
    plain = networks.build(networks.PLAIN, "small", "contiguous_format", ()).eval()
    clips = torch.randn(1, 3, 8, 32, 32)
    with torch.no_grad():
        torch.testing.assert_close(plain(clips), folded(clips))
    assert {type(module) for module in plain.modules() if hasattr(module, "stride")} == {nn.Conv3d}

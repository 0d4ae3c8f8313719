"""Cost against the figures of the paper's Tables 7 and 8, and the command that prints it."""

import sys
from pathlib import Path

import pytest

from optplan.networks.cost import network_cost

sys.path.append(str(Path(__file__).parents[3] / "benchmarks"))
import flops

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def lines():
    """What the benchmark prints for the bodies of the paper."""
    return flops.table(("resnet50", "resnet101"), frames=64, size=256, classes=400)


@pytest.mark.parametrize(
    ("network", "body", "ours", "paper", "difference", "parameters"),
    [
        ("P3D", "ResNet-50", "105.7", "", "", "28.1 M"),
        ("P3D", "ResNet-101", "197.0", "196", "+0.5%", "50.5 M"),
        ("G-P3D", "ResNet-101", "197.0", "203", "-3.0%", "55.2 M"),
        ("DG-P3D", "ResNet-50", "123.4", "", "", "50.4 M"),
        ("DG-P3D", "ResNet-101", "214.7", "218", "-1.5%", "75.0 M"),
        ("I3D", "ResNet-101", "329.8", "", "", "86.0 M"),
        ("I3D", "BN-Inception", "", "108", "", ""),
        ("SlowFast", "ResNet-101+NL", "", "234", "", ""),
    ],
)
def test_multiply_adds_of_a_64_frame_clip_of_256_x_256_beside_the_paper_s(
    lines, network, body, ours, paper, difference, parameters
):
    assert f"| {network} | {body} | {ours} | {paper} | {difference} | {parameters} |" in lines


def test_what_the_paper_prints_for_resnet_50_is_noted(lines):
    assert "108 GFLOPs for DG-P3D with ResNet-50 (ours 123.4)" in "\n".join(lines)


def test_every_published_figure_is_printed_once(lines):
    cells = [line.split(" | ") for line in lines if line.startswith("|")]
    assert cells[0][3] == "GFLOPs, paper"
    printed = sorted(float(row[3]) for row in cells[2:] if row[3])
    assert printed == sorted(flops.published().values())


def test_the_paper_s_figures_stay_away_from_clips_of_another_shape(monkeypatch, capsys):
    arguments = ["--bodies", "small", "--frames", "16", "--size", "32", "--classes", "10"]
    monkeypatch.setattr(sys, "argv", ["flops.py", *arguments, "--blocks", "ABC"])
    flops.main()
    rows = capsys.readouterr().out.splitlines()[2:]
    assert [row.split(" | ")[0] for row in rows] == ["| P3D", "| G-P3D", "| DG-P3D", "| I3D"]
    assert all(row.split(" | ")[3:5] == ["", ""] for row in rows)


def test_the_guide_shows_the_table_that_the_command_prints(lines):
    guide = (ROOT / "docs" / "networks.md").read_text(encoding="utf-8")
    for line in lines:
        assert line in guide


def test_turning_blocks_cost_a_bottleneck_network_nothing_more():
    clip = {"frames": 16, "size": 64}
    same = network_cost("g_p3d", "resnet50", **clip)
    assert network_cost("g_p3d", "resnet50", blocks="ABC", **clip) == same


def test_cost_grows_with_frames_size_and_classes():
    small = network_cost("p3d", "resnet18", frames=16, size=64, num_classes=10)
    longer = network_cost("p3d", "resnet18", frames=32, size=64, num_classes=10)
    wider = network_cost("p3d", "resnet18", frames=16, size=128, num_classes=10)
    more = network_cost("p3d", "resnet18", frames=16, size=64, num_classes=20)
    assert longer.gflops == pytest.approx(2 * small.gflops, rel=1e-4)
    assert wider.gflops == pytest.approx(4 * small.gflops, rel=1e-4)
    assert more.parameters - small.parameters == 10 * 513


def test_a_clip_shorter_than_the_stem_is_refused():
    with pytest.raises(ValueError, match="T >= 4"):
        network_cost("p3d", "resnet18", frames=3)

"""Cost against the figures of the paper's Tables 7 and 8."""

import pytest

from optplan.networks.cost import network_cost


@pytest.mark.parametrize(
    ("name", "body", "gflops"),
    [
        ("p3d", "resnet50", 105.7),
        ("p3d", "resnet101", 197.0),
        ("dg_p3d", "resnet50", 123.4),
        ("dg_p3d", "resnet101", 214.7),
    ],
)
def test_multiply_adds_of_a_64_frame_clip_of_256_x_256(name, body, gflops):
    assert network_cost(name, body).gflops == pytest.approx(gflops, rel=1e-3)


@pytest.mark.parametrize(("body", "millions"), [("resnet50", 50), ("resnet101", 75)])
def test_parameters_of_dg_p3d(body, millions):
    assert network_cost("dg_p3d", body).parameters == pytest.approx(millions * 1e6, rel=0.01)


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

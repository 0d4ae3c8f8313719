"""Building networks by name."""

import pytest
import torch

from optplan.networks.resnet3d import VARIANTS
from optplan.networks.zoo import build_network

torch.set_num_threads(1)


@pytest.mark.parametrize("body", ["small", "resnet18", "resnet34"])  # test_cost has the larger ones
@pytest.mark.parametrize("name", VARIANTS)
def test_every_network_has_every_body(name, body):
    with torch.device("meta"):
        network = build_network(name, body, num_classes=7, in_channels=2).eval()
        logits = network(torch.empty(3, 2, 8, 64, 64))
    assert logits.shape == (3, 2 if name == "dg_p3d" else 1, 7)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": "c3d"}, "network 'c3d' is unknown: choose one of p3d, g_p3d, dg_p3d, i3d"),
        ({"body": "resnet152"}, "body 'resnet152' is unknown: choose one of small, resnet18"),
        ({"blocks": "AB"}, "blocks 'AB' is unknown: choose one of A, ABC"),
        ({"name": "i3d", "blocks": "ABC"}, "'ABC' are of P3D networks: network 'i3d' has only A"),
        ({"num_classes": 1}, "num_classes is 1"),
        ({"in_channels": 1}, "in_channels is 1: must be 3 .RGB. or 2 .optical flow."),
        ({"dropout": 1.0}, "dropout is 1.0"),
    ],
)
def test_a_wrong_option_is_refused_with_what_would_be_right(wrong, message):
    options = {"name": "dg_p3d", "body": "small", "num_classes": 5} | wrong
    with pytest.raises(ValueError, match=message):
        build_network(**options)


def test_the_same_seed_builds_the_same_network():
    networks = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        networks.append(build_network("dg_p3d", "small", num_classes=5).state_dict())
    first, same, other = networks
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["stem.conv.weight"], other["stem.conv.weight"])

"""Building networks by name, and freezing their batch normalisation."""

import copy

import pytest
import torch

from optplan.networks.resnet3d import BODIES, VARIANTS, head_loss
from optplan.networks.zoo import build_network

torch.set_num_threads(1)


@pytest.mark.parametrize("body", BODIES)
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


class Training:
    """A small network under SGD with everything that could move a frozen tensor."""

    def __init__(self, name):
        torch.manual_seed(0)
        self.network = build_network(name, "small", num_classes=5).train()
        self.optimiser = torch.optim.SGD(
            self.network.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True
        )

    def backward(self):
        self.optimiser.zero_grad()
        logits = self.network(torch.randn(4, 3, 8, 32, 32))
        head_loss(logits, torch.tensor([0, 1, 2, 3])).backward()

    def step(self):
        self.backward()
        self.optimiser.step()

    def tensors_moved_by(self, change):
        """Names of batch normalisation's tensors that differ after `change()`."""
        before = copy.deepcopy(self.network.state_dict())
        change()
        after = self.network.state_dict()
        names = {name for name in before if ".bn" in name}
        return names, {name for name in names if not torch.equal(before[name], after[name])}


@pytest.mark.parametrize("name", VARIANTS)
def test_frozen_batch_norm_moves_nowhere_but_in_the_stem(name):
    training = Training(name)
    names, moved = training.tensors_moved_by(training.step)
    assert moved == names

    training.network.freeze_batch_norm()
    training.network.eval()
    training.network.train()
    names, moved = training.tensors_moved_by(training.step)
    assert moved == {name for name in names if name.startswith("stem.")}

    training.network.freeze_batch_norm(False)
    names, moved = training.tensors_moved_by(training.step)
    assert moved == names


def test_a_gradient_from_before_the_freeze_moves_nothing():
    training = Training("dg_p3d")
    training.step()
    training.backward()
    training.network.freeze_batch_norm()
    _, moved = training.tensors_moved_by(training.optimiser.step)
    assert moved == {"stem.bn.weight", "stem.bn.bias"}


def test_freezing_leaves_a_network_in_evaluation_mode_there():
    network = build_network("dg_p3d", "small", num_classes=5).eval()
    network.freeze_batch_norm()
    network.freeze_batch_norm(False)
    assert not any(module.training for module in network.modules())

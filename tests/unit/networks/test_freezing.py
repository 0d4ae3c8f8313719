"""Frozen batch normalisation: what moves while training, and from stage to stage."""

import copy

import numpy as np
import pandas as pd
import pytest
import torch

from optplan.networks.resnet3d import VARIANTS, head_loss
from optplan.networks.zoo import build_network
from optplan.training.snapshots import Snapshots, load
from optplan.training.stage import train_stage
from optplan.video.clips import TrainingClips
from optplan.video.sampling import ClipSpec

torch.set_num_threads(1)


class Training:
    """A small network under SGD with everything that could move a frozen tensor."""

    def __init__(self, name, *, blocks="A"):
        torch.manual_seed(0)
        self.network = build_network(name, "small", blocks=blocks, num_classes=5).train()
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


@pytest.mark.parametrize(
    ("name", "blocks"), [*((name, "A") for name in VARIANTS), ("dg_p3d", "ABC")]
)
def test_frozen_batch_norm_moves_nowhere_but_in_the_stem(name, blocks):
    training = Training(name, blocks=blocks)
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


class Noise:
    """Eight videos of noise, decoded already."""

    videos = np.random.default_rng(0).integers(0, 256, (8, 8, 18, 18, 3), dtype=np.uint8)

    def clip(self, row, indices):
        return self.videos[row][indices]


def train_a_stage(before, folder, *, freeze_bn):
    """Load the weights `before`, train a stage of two epochs, and return the file it leaves."""
    network = build_network("dg_p3d", "small", num_classes=2, dropout=0.5)
    network.load_state_dict(load(before))
    table = pd.DataFrame({"frames": 8, "target": np.arange(8) % 2})
    clips = TrainingClips(
        Noise(),
        table,
        np.arange(8),
        ClipSpec(sampling="cs", length=8),
        short_side=(16, 18),
        crop=16,
        flip=True,
        seed=1,
    )
    settings = {
        "learning_rate": 0.05,
        "schedule": "constant",
        "epochs": 2,
        "batch_size": 4,
        "micro_batch": 2,
        "momentum": 0.9,
        "weight_decay": 0.1,
        "loss_weight": 1.0,
        "clip_norm": 40.0,
        "freeze_bn": freeze_bn,
        "sync_bn": False,
        "seed": 1,
    }
    snapshots = Snapshots(folder, settings)
    train_stage(network, clips, None, settings, snapshots=snapshots)
    return snapshots.weights_path(2)


def test_each_stage_freezes_and_thaws_what_it_loads(tmp_path):
    torch.manual_seed(0)
    initial = tmp_path / "initial.pt"
    torch.save(build_network("dg_p3d", "small", num_classes=2).state_dict(), initial)
    files = [initial]
    for number, freeze_bn in enumerate((False, True, False)):
        folder = tmp_path / str(number)
        files.append(train_a_stage(files[-1], folder, freeze_bn=freeze_bn))
    start, short, long, again = map(load, files)
    norms = {name for name in start if ".bn" in name}
    assert moved(start, short) >= norms
    assert moved(short, long) & norms == {name for name in norms if name.startswith("stem.")}
    assert moved(short, long) >= {name for name in start if "conv" in name and name not in norms}
    assert moved(long, again) >= norms


def moved(before, after):
    return {name for name in before if not torch.equal(before[name], after[name])}

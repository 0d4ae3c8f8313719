"""A stage of a second: a tiny network that learns to tell dark videos from bright ones."""

import numpy as np
import pandas as pd
import torch

from optplan.networks.zoo import build_network
from optplan.planning.knee import KneeStopper
from optplan.training.snapshots import Snapshots
from optplan.training.stage import Result, train_stage
from optplan.video.clips import TrainingClips, ViewClips
from optplan.video.sampling import ClipSpec

SETTINGS = {
    "learning_rate": 0.02,
    "schedule": "constant",
    "epochs": 3,
    "batch_size": 4,
    "micro_batch": 4,
    "momentum": 0.9,
    "weight_decay": 1e-4,
    "loss_weight": 1.0,
    "clip_norm": 40.0,
    "freeze_bn": False,
    "sync_bn": False,
    "seed": 5,
}
SPEC = ClipSpec(sampling="cs", length=4)


class Arrays:
    """Videos (N, T, H, W, 3) in memory that remembers which rows it was asked for."""

    def __init__(self, videos):
        self.videos, self.asked = videos, []

    def clip(self, row, indices):
        self.asked.append(int(row))
        return self.videos[row][indices]


def tiny_data(count=8):
    """Noise that is dark for class 0 and bright for class 1, as training and validation clips."""
    rng = np.random.default_rng(0)
    targets = np.arange(count) % 2
    videos = rng.integers(0, 128, (count, 6, 18, 20, 3)) + 127 * targets[:, None, None, None, None]
    table = pd.DataFrame({"frames": 6, "target": targets})
    source, rows = Arrays(videos.astype(np.uint8)), np.arange(count)
    scale = {"short_side": (16, 18), "crop": 16, "flip": True, "seed": 5}
    training = TrainingClips(source, table, rows, SPEC, **scale)
    return training, ViewClips(source, table, rows, SPEC, short_side=16, crop=16)


def tiny_network(*, dropout=0.5):
    torch.manual_seed(0)
    return build_network("dg_p3d", "small", num_classes=2, dropout=dropout)


def short_stopper(min_epochs=4):
    return KneeStopper(delay=1, min_epochs=min_epochs, max_epochs=min_epochs + 1)


def train(folder, *, network=None, count=8, stopper=None, call=None, **own) -> Result:
    """Train in `folder`; `own` are settings, `call` further arguments of `train_stage`."""
    settings = SETTINGS | own
    training, validation = tiny_data(count)
    return train_stage(
        network or tiny_network(),
        training,
        validation if stopper else None,
        settings,
        snapshots=Snapshots(folder, {k: v for k, v in settings.items() if k != "micro_batch"}),
        stopper=stopper,
        **(call or {}),
    )


def weights_of(folder, result: Result) -> dict:
    return Snapshots(folder, {}).weights(result.epochs)

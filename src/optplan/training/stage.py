"""The one unit of training: weights in, a state's hyper-parameters, a stop rule, weights out.

Transitions, hand-tuned stages and the stages of a retrained path all run through `train_stage`;
they differ in their settings and in when they stop.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from torch.nn import SyncBatchNorm
from torch.nn.modules.batchnorm import _BatchNorm

from optplan.planning.knee import Decision, KneeStopper
from optplan.planning.metric import TOP_1, Metric
from optplan.training.devices import Rank
from optplan.training.evaluation import Remembered, score_pieces, top_k, view_pieces
from optplan.training.snapshots import Snapshots
from optplan.training.steps import Steps, silent

RECENT = 3  # epochs whose mean loss is compared, as that of one epoch is noisy
MOST = 3  # times its epochs that a stage may train to reach a loss
NO_COST = {
    "epochs": 0,
    "frames_trained": 0,
    "frames_evaluated": 0,
    "seconds": 0.0,
    "data_seconds": 0.0,
}


@dataclass(slots=True, kw_only=True)
class Result:
    """What a stage came to: the curve has one entry an epoch, epoch 0 first where it is scored.

    The weights are those of epoch `epochs`, which the stage's snapshots keep.
    """

    epochs: int
    curve: list[dict]
    cost: dict
    decision: Decision | None


def train_stage(
    network,
    training,
    validation,
    settings: dict,
    *,
    snapshots: Snapshots,
    stopper: KneeStopper | None = None,
    metric: Metric = TOP_1,
    from_start: bool = False,
    loss: float | None = None,
    rank: Rank = Rank(),  # noqa: B008
    workers: int = 0,
    compiled: bool = False,
    report: Callable[[dict, Decision | None, dict], None] = silent,
    progress: Callable[[int, int, int], None] = silent,
) -> Result:
    """Train `network` in place until the stop rule says so, from the last snapshot if there is one.

    Args:
        training: `TrainingClips`.
        validation: `ViewClips`, needed with a `stopper`.
        settings: learning_rate, schedule ("constant" or "cosine"), epochs (without a stopper),
            batch_size (of all ranks), micro_batch, momentum, weight_decay, loss_weight, clip_norm,
            freeze_bn, sync_bn, seed.
        stopper: ends the stage at the knee (Sec. 3.3); without it `epochs` epochs are trained.
        metric: what the stopper sees of every epoch; its parts are in the curve.
        from_start: the network is the initial one, whose score counts as 0.
        loss: without a stopper, train on after `epochs` epochs until the recent loss is as low, at
            most `MOST` times the epochs.
        rank: which of the processes this is that train the stage together.
        workers, compiled: see `Steps`.
        report: called after every epoch with its curve entry, the stopper's decision and the cost;
            by the first rank only.
        progress: the same after every step, with epoch, clips trained on and clips of the epoch.

    Raises:
        ValueError: if the loss is not finite, naming epoch and learning rate.
        torch.OutOfMemoryError: if a GPU's memory does not suffice. Called again with a smaller
            micro-batch, the stage goes on from its last epoch.
    """
    snapshot = _restored(snapshots, rank)
    curve, cost = (snapshot["curve"], snapshot["cost"]) if snapshot else ([], dict(NO_COST))
    decision = _replay(stopper, metric, curve)

    def finished() -> bool:
        if decision is not None:
            return decision.stop
        return long_enough(curve, cost["epochs"], settings["epochs"], loss)

    if snapshot is not None and finished():
        return _result(curve, cost, decision)

    _prepare(network, settings, rank)
    steps = Steps(network, training, settings, rank=rank, workers=workers, compiled=compiled)

    if validation is not None:
        batch = settings["micro_batch"]
        pieces = Remembered(view_pieces(validation, batch_size=batch, rank=rank, workers=workers))

    def score() -> dict[str, float]:
        scores, targets = score_pieces(network, validation, pieces, rank=rank)
        cost["frames_evaluated"] += len(targets) * validation.spec.length
        return _top(metric, scores, targets)

    def save():
        if rank.first:
            optimiser = steps.optimiser.state_dict()
            snapshots.save(cost["epochs"], _weights(network), optimiser, curve, cost)

    if snapshot is None:
        if stopper is not None:  # the initial weights count as 0 without an evaluation
            started = time.perf_counter()
            zero = {f"top{k}": 0.0 for k in metric.ks}
            curve.append({"epoch": 0, "loss": None, **(zero if from_start else score())})
            decision = stopper.update(0, metric.score(curve[0]))
            cost["seconds"] += time.perf_counter() - started
        save()
    else:
        network.load_state_dict(snapshots.weights(cost["epochs"]))
        steps.optimiser.load_state_dict(snapshot["optimiser"])

    while not finished():
        started = time.perf_counter()
        epoch = cost["epochs"] + 1
        mean_loss, waited = steps.train_epoch(epoch, progress if rank.first else silent)
        entry = {"epoch": epoch, "loss": mean_loss}
        cost["frames_trained"] += len(training) * training.spec.length
        if stopper is not None:
            entry |= score()
            decision = stopper.update(epoch, metric.score(entry))
        curve.append(entry)
        cost["epochs"] = epoch
        cost["data_seconds"] += waited
        cost["seconds"] += time.perf_counter() - started
        save()
        if rank.first:
            report(entry, decision, cost)
    return _result(curve, cost, decision)


def _restored(snapshots: Snapshots, rank: Rank) -> dict | None:
    """The last snapshot; the first rank may clear the folder, so the others look after it."""
    snapshot = snapshots.restore() if rank.first else None
    rank.wait()
    return snapshot if rank.first else snapshots.restore()


def _prepare(network, settings: dict, rank: Rank):
    """Put the network on its device, with batch normalisation as the stage wants it."""
    network.to(rank.device)
    network.freeze_batch_norm(settings["freeze_bn"])
    if settings["sync_bn"] and rank.count > 1:
        if rank.device.type != "cuda":
            raise ValueError("training.sync_bn: true needs GPUs; on CPUs write false")
        synchronise_batch_norm(network)


def synchronise_batch_norm(network):
    """Make those batch normalisations that are not frozen take statistics over all processes.

    Frozen ones have none to agree on, and would forget that they are frozen.
    """
    network.train()
    for module in [*network.modules()]:
        for name, layer in module.named_children():
            if isinstance(layer, _BatchNorm) and layer.training:
                setattr(module, name, SyncBatchNorm.convert_sync_batchnorm(layer))


def _top(metric: Metric, scores: np.ndarray, targets: np.ndarray) -> dict[str, float]:
    """The top-k that the metric asks for; k is at most the number of classes."""
    return {f"top{k}": top_k(scores, targets, min(k, scores.shape[1])) for k in metric.ks}


def recent_loss(curve: list[dict], epoch: int) -> float:
    """Mean training loss of the `RECENT` epochs until `epoch`, or of as many as there are."""
    losses = [entry["loss"] for entry in curve if 0 < entry["epoch"] <= epoch]
    return fmean(losses[-RECENT:])


def long_enough(curve: list[dict], trained: int, epochs: int, loss: float | None) -> bool:
    """Whether a stage has had its epochs, and is down to its loss if it has one."""
    if trained < epochs or loss is None:
        return trained == epochs
    return trained >= MOST * epochs or recent_loss(curve, trained) <= loss


def _replay(stopper: KneeStopper | None, metric: Metric, curve: list[dict]) -> Decision | None:
    """What the stopper says about the epochs that an earlier run has trained."""
    if stopper is None or not curve:
        return None
    for entry in curve:
        stopper.observe(entry["epoch"], metric.score(entry))
    return stopper.decide()


def _result(curve: list[dict], cost: dict, decision: Decision | None) -> Result:
    best = cost["epochs"]
    if decision is not None:
        assert decision.best_epoch is not None  # a stop has a fit
        best = decision.best_epoch
    return Result(epochs=best, curve=curve, cost=cost, decision=decision)


def _weights(network) -> dict:
    return {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }

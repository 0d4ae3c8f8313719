"""The one unit of training: weights in, a state's hyper-parameters, a stop rule, weights out.

Transitions, hand-tuned stages and the stages of a retrained path all run through `train_stage`;
they differ in their settings and in when they stop.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch.utils.data import DataLoader

from optplan.networks.resnet3d import head_loss
from optplan.planning.knee import Decision, KneeStopper
from optplan.training.evaluation import score_videos, top_k
from optplan.training.snapshots import Snapshots
from optplan.video.transforms import normalise


@dataclass(slots=True, kw_only=True)
class Result:
    """What a stage came to: the curve has one entry an epoch, epoch 0 first where it is scored."""

    epochs: int
    curve: list[dict]
    cost: dict
    decision: Decision | None
    weights: dict = field(repr=False)


def train_stage(
    network,
    training,
    validation,
    settings: dict,
    *,
    snapshots: Snapshots,
    stopper: KneeStopper | None = None,
    from_start: bool = False,
    device: torch.device,
    workers: int = 0,
    report: Callable[[dict, Decision | None], None] = lambda entry, decision: None,
) -> Result:
    """Train `network` in place until the stop rule says so, from the last snapshot if there is one.

    Args:
        training: `TrainingClips`.
        validation: `ViewClips`, needed with a `stopper`.
        settings: learning_rate, schedule ("constant" or "cosine"), epochs (without a stopper),
            batch_size (effective), micro_batch, momentum, weight_decay, clip_norm, freeze_bn, seed.
        stopper: ends the stage at the knee (Sec. 3.3); without it `epochs` epochs are trained.
        from_start: the network is the initial one, whose score counts as 0.
        report: called after every epoch with its curve entry and the stopper's decision.

    Raises:
        ValueError: if the loss is not finite, naming epoch and learning rate.
    """
    snapshot = snapshots.restore()
    if snapshot is None:
        curve, cost = [], {"epochs": 0, "frames_trained": 0, "frames_evaluated": 0, "seconds": 0.0}
    else:
        curve, cost = snapshot["curve"], snapshot["cost"]
    decision = _replay(stopper, curve)
    if snapshot is not None and _finished(decision, cost, settings):
        return _result(curve, cost, decision, snapshots)

    network.to(device, memory_format=torch.channels_last_3d)
    network.freeze_batch_norm(settings["freeze_bn"])
    optimiser = _optimiser(network, settings)
    if snapshot is None:
        if stopper is not None:
            curve.append(_first_entry(network, validation, settings, cost, from_start, device))
            decision = stopper.update(0, curve[0]["top1"])
        snapshots.save(0, _weights(network), optimiser.state_dict(), curve, cost)
    else:
        network.load_state_dict(snapshots.weights(cost["epochs"]))
        optimiser.load_state_dict(snapshot["optimiser"])

    while not _finished(decision, cost, settings):
        started = time.perf_counter()
        epoch = cost["epochs"] + 1
        loss = _train_epoch(network, optimiser, training, settings, epoch, device, workers)
        entry = {"epoch": epoch, "loss": loss}
        cost["frames_trained"] += len(training) * training.spec.length
        if stopper is not None:
            entry["top1"] = _validate(network, validation, settings, cost, device)
            decision = stopper.update(epoch, entry["top1"])
        curve.append(entry)
        cost["epochs"] = epoch
        cost["seconds"] += time.perf_counter() - started
        snapshots.save(epoch, _weights(network), optimiser.state_dict(), curve, cost)
        report(entry, decision)
    return _result(curve, cost, decision, snapshots)


def learning_rate(settings: dict, epoch: int, progress: float) -> float:
    """The rate at a fraction `progress` of epoch `epoch` (from 1): constant, or cosine to zero."""
    if settings["schedule"] == "constant":
        return settings["learning_rate"]
    share = (epoch - 1 + progress) / settings["epochs"]
    return settings["learning_rate"] * 0.5 * (1 + math.cos(math.pi * share))


def _train_epoch(network, optimiser, training, settings, epoch, device, workers) -> float:
    """One pass over the videos; returns the mean loss over them.

    Every step sees `batch_size` clips, in as many micro-batches as needed; the last group of an
    epoch may be smaller and is averaged over what it has.
    """
    torch.manual_seed(_epoch_seed(settings["seed"], epoch))  # dropout
    network.train()
    order = np.random.default_rng([settings["seed"], epoch]).permutation(len(training))
    groups = np.split(order, range(settings["batch_size"], len(order), settings["batch_size"]))
    pieces = [
        piece
        for group in groups
        for piece in np.split(
            group, range(settings["micro_batch"], len(group), settings["micro_batch"])
        )
    ]
    keys = [[(epoch, int(number)) for number in piece] for piece in pieces]
    batches = iter(DataLoader(training, batch_sampler=keys, num_workers=workers))
    total = 0.0
    for step, group in enumerate(groups):
        rate = learning_rate(settings, epoch, step / len(groups))
        for parameters in optimiser.param_groups:
            parameters["lr"] = rate
        optimiser.zero_grad(set_to_none=True)
        seen = 0
        while seen < len(group):
            clips, targets = next(batches)
            seen += len(targets)
            with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
                logits = network(normalise(clips.to(device, non_blocking=True)))
                loss = head_loss(logits.float(), targets.to(device)) * len(targets)
            (loss / len(group)).backward()
            total += loss.item()
        if not math.isfinite(total):
            raise ValueError(
                f"the loss is {total} in epoch {epoch} at learning rate {rate:g}; "
                f"a lower learning rate usually helps"
            )
        torch.nn.utils.clip_grad_norm_(network.parameters(), settings["clip_norm"])
        optimiser.step()
    return total / len(order)


def _first_entry(network, validation, settings, cost, from_start, device) -> dict:
    """Epoch 0: the evaluated parent; the initial weights count as 0 without an evaluation."""
    score = 0.0 if from_start else _validate(network, validation, settings, cost, device)
    return {"epoch": 0, "loss": None, "top1": score}


def _validate(network, validation, settings, cost, device) -> float:
    scores, targets = score_videos(
        network, validation, device=device, batch_size=settings["micro_batch"] * 2
    )
    cost["frames_evaluated"] += len(targets) * validation.spec.length
    return top_k(scores, targets)


def _finished(decision: Decision | None, cost: dict, settings: dict) -> bool:
    """A transition ends where its stopper says so, every other stage after its epochs."""
    return cost["epochs"] == settings["epochs"] if decision is None else decision.stop


def _replay(stopper: KneeStopper | None, curve: list[dict]) -> Decision | None:
    """What the stopper says about the epochs that an earlier run has trained."""
    if stopper is None or not curve:
        return None
    for entry in curve:
        stopper.observe(entry["epoch"], entry["top1"])
    return stopper.decide()


def _result(curve: list[dict], cost: dict, decision: Decision | None, snapshots) -> Result:
    best = cost["epochs"] if decision is None else decision.best_epoch
    return Result(
        epochs=best, curve=curve, cost=cost, decision=decision, weights=snapshots.weights(best)
    )


def _optimiser(network, settings: dict) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        [p for p in network.parameters() if p.requires_grad],
        lr=settings["learning_rate"],
        momentum=settings["momentum"],
        weight_decay=settings["weight_decay"],
        nesterov=True,
    )


def _weights(network) -> dict:
    return {
        name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()
    }


def _epoch_seed(seed: int, epoch: int) -> int:
    return int(np.random.SeedSequence([seed, epoch]).generate_state(1)[0])

"""The optimiser's steps of one epoch after another: every step sees as many clips (Sec. 5.2)."""

import math
import random
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from optplan.networks.resnet3d import head_loss
from optplan.training.devices import Rank
from optplan.video.transforms import normalise


def silent(*arguments):
    """Reports nothing."""


class Steps:
    """Trains `network` in place on `training` (`TrainingClips`), epoch by epoch.

    Args:
        settings: those of `train_stage`. A step of SGD sees `batch_size` clips: those of all ranks,
            in as many micro-batches as needed. The last step of an epoch is averaged over what it
            has; a clip that would be alone gets one from the step or micro-batch before. Gradients
            are those of the loss times `loss_weight`.
        workers: decoding processes of this rank; they live as long as this object.
        compiled: whether the network runs through torch.compile.
    """

    def __init__(
        self, network, training, settings: dict, *, rank: Rank, workers: int, compiled: bool
    ):
        self.network, self.training, self.settings, self.rank = network, training, settings, rank
        self.optimiser = _optimiser(network, settings, rank.device)
        self.forward = network
        if rank.count > 1:
            devices = [rank.device] if rank.device.type == "cuda" else None
            self.forward = DistributedDataParallel(network, device_ids=devices)
        if compiled:
            self.forward = torch.compile(self.forward)
        self.order = _Order()
        self.clips = DataLoader(
            training,
            batch_sampler=self.order,
            num_workers=workers,
            persistent_workers=workers > 0,
            generator=torch.Generator(),  # else it draws from that of dropout, now and then
            pin_memory=rank.device.type == "cuda",
        )

    def train_epoch(
        self, epoch: int, progress: Callable[[int, int, int], None] = silent
    ) -> tuple[float, float]:
        """Mean unweighted loss over all clips, and the seconds spent on waiting for clips.

        `progress(epoch, done, total)` is called after every step, with numbers of clips.
        Raises ValueError if the loss is not finite, naming epoch and learning rate.
        """
        _seed(self.settings["seed"], epoch, self.rank.number)
        self.network.train()
        order = np.random.default_rng([self.settings["seed"], epoch]).permutation(
            len(self.training)
        )
        groups = _parts(order, self.settings["batch_size"])
        shares = [_share(group, self.rank) for group in groups]
        self.order.keys = [
            [(epoch, int(number)) for number in piece]
            for share in shares
            for piece in _parts(share, self.settings["micro_batch"])
        ]
        clips, done, waited = iter(self.clips), 0, 0.0
        losses = _Losses(epoch)
        for step, (group, share) in enumerate(zip(groups, shares, strict=True)):
            rate = learning_rate(self.settings, epoch, step / len(groups))
            loss, seconds = self._step(clips, group, share, rate)
            losses.add(loss, rate)
            waited += seconds
            done += len(group)
            progress(epoch, done, len(order))
        # Each rank has normalised other clips last. The first one's statistics are those that are
        # saved, so they have to be those that are scored.
        self.rank.share(self.network.buffers())
        total, waited = self.rank.total(losses.total(), waited)
        return total / len(order), waited / self.rank.count

    def _step(
        self, clips: Iterator, group: np.ndarray, share: np.ndarray, rate: float
    ) -> tuple[torch.Tensor, float]:
        """One step; returns the sum of this rank's losses and the seconds waited for clips."""
        for parameters in self.optimiser.param_groups:
            parameters["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        own = len(group[self.rank.number :: self.rank.count])  # the rest of the share is padding
        device, waited = self.rank.device, 0.0
        total = torch.zeros((), device=device)
        pieces = _parts(share, self.settings["micro_batch"])
        for number, piece in enumerate(pieces):
            started = time.perf_counter()
            videos, targets = next(clips)
            waited += time.perf_counter() - started
            last = number == len(pieces) - 1
            with (
                torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"),
                _synchronised(self.forward, last),
            ):
                logits = self.forward(normalise(videos.to(device, non_blocking=True)))
                counted = max(0, min(len(piece), own))
                own -= len(piece)
                loss = _sum_of_losses(logits.float(), targets.to(device), counted)
                # Ranks are averaged by DistributedDataParallel, clips are to be.
                weighted = loss * self.settings["loss_weight"]
                (weighted * self.rank.count / len(group)).backward()
            total += loss.detach()  # without the weight: runs with different ones compare
        nn.utils.clip_grad_norm_(self.network.parameters(), self.settings["clip_norm"])
        self.optimiser.step()
        return total, waited


def learning_rate(settings: dict, epoch: int, progress: float) -> float:
    """The rate at a fraction `progress` of epoch `epoch` (from 1): constant, or cosine to zero."""
    if settings["schedule"] == "constant":
        return settings["learning_rate"]
    share = (epoch - 1 + progress) / settings["epochs"]
    return settings["learning_rate"] * 0.5 * (1 + math.cos(math.pi * share))


class _Order:
    """What the decoding processes are asked for next; set anew for every epoch."""

    def __init__(self):
        self.keys: list[list[tuple[int, int]]] = []

    def __iter__(self) -> Iterator[list[tuple[int, int]]]:
        return iter(self.keys)

    def __len__(self) -> int:
        return len(self.keys)


class _Losses:
    """Adds up the losses of an epoch. Each is looked at a step late, when it has been computed."""

    def __init__(self, epoch: int):
        self.epoch, self.sum = epoch, 0.0
        self.pending: tuple[torch.Tensor, float] | None = None

    def add(self, loss: torch.Tensor, rate: float):
        self._settle()
        self.pending = loss, rate

    def total(self) -> float:
        self._settle()
        return self.sum

    def _settle(self):
        if self.pending is None:
            return
        loss, rate = self.pending
        self.sum += loss.item()
        self.pending = None
        if not math.isfinite(self.sum):
            raise ValueError(
                f"the loss is {self.sum} in epoch {self.epoch} at learning rate {rate:g}; "
                f"a lower learning rate usually helps"
            )


def _share(group: np.ndarray, rank: Rank) -> np.ndarray:
    """What this rank trains on of a step's clips: as many as any other, so some may be repeated.

    A repeated clip does not count; it is there because all ranks have to work the same number of
    micro-batches.
    """
    own = group[rank.number :: rank.count]
    padding = math.ceil(len(group) / rank.count) - len(own)
    return np.concatenate([own, group[:padding]])


def _parts(numbers: np.ndarray, size: int) -> list[np.ndarray]:
    """Parts of `size` numbers; the last has what is left, but two where it would be one.

    Of a single clip, a small crop leaves one value a channel, which batch normalisation refuses.
    """
    starts = np.arange(0, len(numbers), size)
    if len(starts) > 1 and len(numbers) % size == 1:
        starts[-1] -= 1
    return np.split(numbers, starts[1:])


def _sum_of_losses(logits: torch.Tensor, targets: torch.Tensor, counted: int) -> torch.Tensor:
    """Sum over the first `counted` clips; zero, but with a gradient, if there are none."""
    if counted == 0:
        return logits.sum() * 0
    return head_loss(logits[:counted], targets[:counted]) * counted


def _synchronised(forward: nn.Module, last: bool):
    """Ranks exchange gradients with the last micro-batch of a step only."""
    inner = getattr(forward, "_orig_mod", forward)
    if isinstance(inner, DistributedDataParallel) and not last:
        return inner.no_sync()
    return torch.enable_grad()


def _optimiser(network, settings: dict, device: torch.device) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        [p for p in network.parameters() if p.requires_grad],
        lr=settings["learning_rate"],
        momentum=settings["momentum"],
        weight_decay=settings["weight_decay"],
        nesterov=True,
        fused=device.type == "cuda",
    )


def _seed(seed: int, epoch: int, rank: int):
    """Random numbers of an epoch follow from its number: none have to be kept to continue.

    Dropout draws from torch's; the others are for networks of the user's own.
    """
    key = [seed, epoch, rank] if rank else [seed, epoch]
    number = int(np.random.SeedSequence(key).generate_state(1)[0])
    random.seed(number)
    np.random.seed(number)  # noqa: NPY002
    torch.manual_seed(number)

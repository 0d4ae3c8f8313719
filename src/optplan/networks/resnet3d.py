"""Residual 3D ConvNets with one definition: P3D, G-P3D, DG-P3D (the paper's Section 4) and I3D.

Random weights are torch's default initialisation, in temporal convolutions too.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from optplan.networks.blocks import (
    BatchNorm,
    GlobalContext,
    ResidualBlock,
    basic_branch,
    bottleneck_branch,
)
from optplan.networks.convolutions import (
    STEM_STRIDE,
    SpatialConv,
    StemConv,
    clips_of,
    frames_of,
)


@dataclass(frozen=True, slots=True)
class Body:
    """What distinguishes one ResNet from another; stages are res2, res3, res4 and res5."""

    branch: Callable[..., nn.Sequential]
    blocks: tuple[int, int, int, int]
    widths: tuple[int, int, int, int] = (64, 128, 256, 512)
    expansion: int = 1
    stem_pool: bool = True


BODIES = {
    "small": Body(basic_branch, (1, 1, 1, 1), widths=(16, 32, 64, 128), stem_pool=False),
    "resnet18": Body(basic_branch, (2, 2, 2, 2)),
    "resnet34": Body(basic_branch, (3, 4, 6, 3)),
    "resnet50": Body(bottleneck_branch, (3, 4, 6, 3), expansion=4),
    "resnet101": Body(bottleneck_branch, (3, 4, 23, 3), expansion=4),
}


@dataclass(frozen=True, slots=True)
class Variant:
    """What distinguishes one network of the paper from another."""

    full: bool = False
    context: bool = False
    dual_head: bool = False

    def kind(self, blocks: str, number: int) -> str:
        """How block `number` of the network, from 0, sees time: see `time_aware`."""
        return "I3D" if self.full else blocks[number % len(blocks)]


VARIANTS = {
    "p3d": Variant(),
    "g_p3d": Variant(context=True),
    "dg_p3d": Variant(context=True, dual_head=True),
    "i3d": Variant(full=True),
}

BLOCKS = ("A", "ABC")
"""P3D-A everywhere (the paper), or P3D-A, B and C in turn through all stages (released code)."""


def build_stage(
    body: Body, variant: Variant, blocks: str, stage: int, stride: int
) -> nn.Sequential:
    """The blocks of res`stage` (2 to 5); the first one has the stage's spatial stride."""
    width = body.widths[stage - 2]
    channels = width * body.expansion
    in_channels = body.widths[0] if stage == 2 else body.widths[stage - 3] * body.expansion
    before = sum(body.blocks[: stage - 2])
    layers = []
    for number in range(before, before + body.blocks[stage - 2]):
        shortcut: nn.Module = nn.Identity()
        if stride != 1 or in_channels != channels:
            shortcut = nn.Sequential(
                OrderedDict(
                    conv=SpatialConv(in_channels, channels, 1, stride), bn=BatchNorm(channels)
                )
            )
        branch = body.branch(variant.kind(blocks, number), in_channels, width, stride)
        context = GlobalContext(channels) if variant.context else nn.Identity()
        layers.append(ResidualBlock(branch, shortcut, context))
        in_channels, stride = channels, 1
    return nn.Sequential(*layers)


class Stem(nn.Sequential):
    """(B, C, T, H, W) -> (B, width, T // 4, H / 4, W / 4), or half of H and W without the pool."""

    conv: StemConv
    bn: BatchNorm

    def __init__(self, in_channels: int, width: int, *, pool: bool):
        super().__init__(
            OrderedDict(
                conv=StemConv(in_channels, width), bn=BatchNorm(width), relu=nn.ReLU(inplace=True)
            )
        )
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        x = super().forward(x)
        if not self.pool:
            return x
        return clips_of(F.max_pool2d(frames_of(x), 3, stride=2, padding=1), len(x))


def pool_time(x: Tensor) -> Tensor:
    """Max-pool 4 x 1 x 1 of stride 4; a last window shorter than 4 pools over what is there.

    So a clip of 4, 8 or 12 frames, 1 to 3 time steps after the stem, leaves one time step.
    """
    return torch.cat([window.amax(2, keepdim=True) for window in x.split(4, dim=2)], 2)


class Head(nn.Module):
    """res5, global average, dropout and the linear classifier: (B, C, T, H, W) -> (B, K)."""

    def __init__(self, res5: nn.Module, channels: int, num_classes: int, dropout: float):
        super().__init__()
        self.res5 = res5
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.dropout(self.res5(x).mean((2, 3, 4))))


class ResNet3D(nn.Module):
    """A 3D ResNet: clips (B, C, T, H, W) with T >= 4 -> logits (B, heads, K).

    The temporal head (the only one, except in DG-P3D) keeps the time of res4 and halves its space;
    the spatial head pools time by 4 and keeps space. `head_loss` trains the logits and
    `fused_scores` reads them. Raises ValueError for clips of another shape.
    """

    def __init__(
        self,
        body: Body,
        variant: Variant,
        *,
        blocks: str,
        num_classes: int,
        in_channels: int,
        dropout: float,
    ):
        super().__init__()
        self.stem = Stem(in_channels, body.widths[0], pool=body.stem_pool)
        self.res2 = build_stage(body, variant, blocks, 2, stride=1)
        self.res3 = build_stage(body, variant, blocks, 3, stride=2)
        self.res4 = build_stage(body, variant, blocks, 4, stride=2)
        channels = body.widths[3] * body.expansion
        strides = {"temporal": 2, "spatial": 1} if variant.dual_head else {"temporal": 2}
        self.heads = nn.ModuleDict(
            {
                name: Head(
                    build_stage(body, variant, blocks, 5, stride), channels, num_classes, dropout
                )
                for name, stride in strides.items()
            }
        )
        self.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]  # not in stubs

    def forward(self, clips: Tensor) -> Tensor:
        channels = self.stem.conv.in_channels
        if clips.dim() != 5 or clips.shape[1] != channels or clips.shape[2] < STEM_STRIDE:
            raise ValueError(
                f"clips have shape {tuple(clips.shape)}: must be (B, C, T, H, W) "
                f"with C = {channels} and T >= {STEM_STRIDE}"
            )
        x = self.res4(self.res3(self.res2(self.stem(clips))))
        logits = [self.heads["temporal"](x)]
        if "spatial" in self.heads:
            logits.append(self.heads["spatial"](pool_time(x)))
        return torch.stack(logits, 1)

    def freeze_batch_norm(self, frozen: bool = True) -> None:
        """Freeze all batch normalisations but the stem's, or set them free again.

        Frozen means statistics and affine parameters both, whatever `train()` is called later.
        """
        for module in self.modules():
            if isinstance(module, BatchNorm) and module is not self.stem.bn:
                module.freeze(frozen)
        self.train(self.training)


def head_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Sum over the heads of the mean cross-entropy: (B, heads, K) and (B,) -> scalar."""
    return reduce(torch.add, (F.cross_entropy(head, labels) for head in logits.unbind(1)))


def fused_scores(logits: Tensor) -> Tensor:
    """Mean over the heads of their class probabilities: (B, heads, K) -> (B, K).

    Averaging probabilities makes heads, views and modalities fuse by the same plain mean.
    """
    return logits.softmax(2).mean(1)

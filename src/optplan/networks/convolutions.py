"""The convolutions of 3D ResNets; those that span only space or only time run as 2D ones.

Activations are (B, C, T, H, W) tensors in channels-last memory, that is, laid out as B, T, H, W, C.
In this layout (B*T, C, H, W), for spatial convolutions, and (B, C, T, H*W), for temporal ones, are
both views, so that nothing is copied. Weights keep the shapes of 3D convolutions.
"""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import Tensor, nn
from torch.nn import functional as F

STEM_STRIDE = 4
"""Frames per time step after the stem."""


def frames_of(x: Tensor) -> Tensor:
    """View (B, C, T, H, W) as (B*T, C, H, W)."""
    return x.transpose(1, 2).flatten(0, 1)


def clips_of(x: Tensor, clips: int) -> Tensor:
    """View (B*T, C, H, W) as (B, C, T, H, W) with B = `clips`."""
    return x.unflatten(0, (clips, -1)).transpose(1, 2)


class SpatialConv(nn.Conv3d):
    """A 1 x k x k convolution that keeps time, run frame by frame."""

    def __init__(self, in_channels: int, channels: int, kernel: int, stride: int = 1):
        super().__init__(
            in_channels,
            channels,
            (1, kernel, kernel),
            stride=(1, stride, stride),
            padding=(0, kernel // 2, kernel // 2),
            bias=False,
        )

    def forward(self, x: Tensor) -> Tensor:
        frames = F.conv2d(
            frames_of(x), self.weight.squeeze(2), stride=self.stride[1:], padding=self.padding[1:]
        )
        return clips_of(frames, len(x))


class TemporalConv(nn.Conv3d):
    """A 3 x 1 x 1 convolution, zero-padded in time, run over (B, C, T, H*W)."""

    def __init__(self, in_channels: int, channels: int, stride: int = 1):
        super().__init__(
            in_channels,
            channels,
            (3, 1, 1),
            stride=(1, stride, stride),
            padding=(1, 0, 0),
            bias=False,
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[1] > 1:
            x = x[..., :: self.stride[1], :: self.stride[2]]
            x = x.contiguous(memory_format=torch.channels_last_3d)
        weight, padding = self.weight.squeeze(4), (1, 0)
        if x.shape[2] == 1:  # the outer taps would see nothing but padding
            weight, padding = weight[:, :, 1:2], (0, 0)
        return F.conv2d(x.flatten(3), weight, padding=padding).unflatten(3, x.shape[3:])


class PlusTemporal(TemporalConv):
    """x + its temporal convolution: the second half of P3D-C."""

    def __init__(self, channels: int):
        super().__init__(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return x + super().forward(x)


class SpatialPlusTemporal(nn.Module):
    """The P3D-B pair: the sum of a 3 x 3 spatial and a 3 x 1 x 1 temporal convolution."""

    def __init__(self, in_channels: int, channels: int, stride: int = 1):
        super().__init__()
        self.spatial = SpatialConv(in_channels, channels, 3, stride)
        self.plus = TemporalConv(in_channels, channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.spatial(x) + self.plus(x)


class StemConv(nn.Conv3d):
    """The 4 x 7 x 7 convolution of stride (4, 2, 2): a 2D one over 4 frames stacked as channels.

    Trailing frames that do not fill a group of four are ignored, as in any strided convolution.
    """

    def __init__(self, in_channels: int, channels: int):
        super().__init__(
            in_channels, channels, (4, 7, 7), stride=(4, 2, 2), padding=(0, 3, 3), bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        steps = x.shape[2] // STEM_STRIDE
        x = x[:, :, : steps * STEM_STRIDE].unflatten(2, (steps, STEM_STRIDE))
        stacked = frames_of(x.transpose(2, 3).flatten(1, 2))
        stacked = stacked.contiguous(memory_format=torch.channels_last)
        frames = F.conv2d(stacked, self.weight.flatten(1, 2), stride=2, padding=3)
        return clips_of(frames, len(x))


def spatial_then_temporal(in_channels: int, channels: int, stride: int = 1) -> nn.Module:
    """The P3D-A pair: a 3 x 3 spatial convolution followed by a 3 x 1 x 1 temporal one."""
    return nn.Sequential(
        OrderedDict(
            spatial=SpatialConv(in_channels, channels, 3, stride),
            temporal=TemporalConv(channels, channels),
        )
    )


def full_conv(in_channels: int, channels: int, stride: int = 1) -> nn.Module:
    """I3D's 3 x 3 x 3 convolution that keeps time."""
    return nn.Conv3d(in_channels, channels, 3, stride=(1, stride, stride), padding=1, bias=False)

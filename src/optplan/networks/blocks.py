"""The residual blocks of 3D ResNets, and four ways to let their 3 x 3 convolutions see time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn
from torch.nn import functional as F

from optplan.networks.convolutions import (
    PlusTemporal,
    SpatialConv,
    SpatialPlusTemporal,
    full_conv,
    spatial_then_temporal,
)

CONVS: dict[str, Callable[..., nn.Module]] = {
    "A": spatial_then_temporal,
    "B": SpatialPlusTemporal,
    "C": partial(SpatialConv, kernel=3),
    "I3D": full_conv,
}


class BatchNorm(nn.BatchNorm3d):
    """Batch normalisation whose statistics and affine parameters can be frozen together."""

    frozen = False

    def freeze(self, frozen: bool) -> None:
        """Freeze or set free; takes full effect with the next call of `train` or `eval`."""
        self.frozen = frozen
        self.requires_grad_(not frozen)
        self.zero_grad()  # a gradient left behind would let the optimiser's momentum move it

    def train(self, mode: bool = True) -> BatchNorm:
        return super().train(mode and not self.frozen)


def time_aware(
    kind: str, number: int, in_channels: int, channels: int, stride: int = 1, *, relu: bool = True
) -> dict[str, nn.Module]:
    """What becomes of a 3 x 3 convolution of the 2D network, its normalisation and its ReLU.

    With S, T the spatial and the temporal convolution, `kind` is one of
    A:   relu(bn(T(S(x)))), the paper's;
    B:   relu(bn(S(x) + T(x)));
    C:   relu(y + T(y)) with y = relu(bn(S(x)));
    I3D: relu(bn(C(x))) with C a 3 x 3 x 3 convolution.
    Without `relu`, as at the end of a branch, none of them has any. Layers by name, in order.
    """
    layers: dict[str, nn.Module] = {
        f"conv{number}": CONVS[kind](in_channels, channels, stride=stride),
        f"bn{number}": BatchNorm(channels),
    }
    if relu:
        layers[f"relu{number}"] = nn.ReLU(inplace=True)
    if kind == "C":
        layers[f"plus{number}"] = PlusTemporal(channels)
        if relu:
            layers[f"plus{number}_relu"] = nn.ReLU(inplace=True)
    return layers


def basic_branch(kind: str, in_channels: int, width: int, stride: int) -> nn.Sequential:
    """Residual branch of ResNet-18 and 34: two 3 x 3 convolutions, `width` channels out."""
    return nn.Sequential(
        OrderedDict(
            **time_aware(kind, 1, in_channels, width, stride),
            **time_aware(kind, 2, width, width, relu=False),
        )
    )


def bottleneck_branch(kind: str, in_channels: int, width: int, stride: int) -> nn.Sequential:
    """Residual branch of ResNet-50 and 101: 1 x 1, 3 x 3, 1 x 1, `4 * width` channels out."""
    return nn.Sequential(
        OrderedDict(
            conv1=SpatialConv(in_channels, width, 1),
            bn1=BatchNorm(width),
            relu1=nn.ReLU(inplace=True),
            **time_aware(kind, 2, width, width, stride),
            conv3=SpatialConv(width, 4 * width, 1),
            bn3=BatchNorm(4 * width),
        )
    )


class GlobalContext(nn.Module):
    """Add to every position what two FCs make of the global average (Sec. 4, "Global context").

    The last FC starts at zero, so that the block starts as one without context. Works in place.
    """

    def __init__(self, channels: int):
        super().__init__()
        hidden = max(channels // 16, 4)
        self.fc1 = nn.Linear(channels, hidden)
        self.fc2 = nn.Linear(hidden, channels)
        nn.init.zeros_(self.fc2.weight)
        nn.init.zeros_(self.fc2.bias)

    def forward(self, x: Tensor) -> Tensor:
        context = self.fc2(F.relu(self.fc1(x.mean((2, 3, 4)))))
        return x.add_(context[:, :, None, None, None])


class ResidualBlock(nn.Module):
    """relu(context(branch(x)) + shortcut(x))."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module, context: nn.Module):
        super().__init__()
        self.branch, self.shortcut, self.context = branch, shortcut, context

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(self.context(self.branch(x)).add_(self.shortcut(x)), inplace=True)

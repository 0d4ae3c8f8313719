"""What a network costs: multiply-adds and parameters, counted without computing anything."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from optplan.networks.zoo import build_network


@dataclass(frozen=True, slots=True)
class NetworkCost:
    """Cost of one forward pass of one clip."""

    gflops: float
    """1e9 multiply-adds of convolutions and linear layers, as the paper's Table 8 counts them."""
    parameters: int


def network_cost(
    name: str,
    body: str,
    *,
    blocks: str = "A",
    num_classes: int = 400,
    in_channels: int = 3,
    frames: int = 64,
    size: int = 256,
) -> NetworkCost:
    """Count a network's cost for one clip of `frames` x `size` x `size` (Table 8).

    Raises ValueError as `build_network` does, and for clips of fewer than 4 frames.
    """
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network = build_network(
            name, body, blocks=blocks, num_classes=num_classes, in_channels=in_channels
        )
        network.eval()(torch.empty(1, in_channels, frames, size, size))
    return NetworkCost(
        gflops=counter.get_total_flops() / 2e9,
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )

"""The networks of the paper by name."""

from __future__ import annotations

from optplan.networks.resnet3d import BLOCKS, BODIES, VARIANTS, ResNet3D


def build_network(
    name: str,
    body: str,
    *,
    blocks: str = "A",
    num_classes: int,
    in_channels: int = 3,
    dropout: float = 0.5,
) -> ResNet3D:
    """Build a network with random weights, drawn from torch's global generator.

    `name` is one of p3d, g_p3d, dg_p3d and i3d; `body` one of small, resnet18, resnet34, resnet50
    and resnet101; `blocks` is A or ABC, the kinds of P3D blocks that take turns (only A for i3d,
    which has none); `in_channels` is 3 for RGB and 2 for optical flow; `dropout` is a probability.
    Raises ValueError for anything else.
    """
    for key, value, known in (
        ("network", name, VARIANTS),
        ("body", body, BODIES),
        ("blocks", blocks, BLOCKS),
    ):
        if value not in known:
            raise ValueError(f"{key} {value!r} is unknown: choose one of {', '.join(known)}")
    if blocks != "A" and VARIANTS[name].full:
        raise ValueError(f"blocks {blocks!r} are of P3D networks: network {name!r} has only A")
    if num_classes < 2:
        raise ValueError(f"num_classes is {num_classes}: a classifier needs at least 2")
    if in_channels not in (2, 3):
        raise ValueError(f"in_channels is {in_channels}: must be 3 (RGB) or 2 (optical flow)")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout}: must be a probability in [0, 1)")
    return ResNet3D(
        BODIES[body],
        VARIANTS[name],
        blocks=blocks,
        num_classes=num_classes,
        in_channels=in_channels,
        dropout=dropout,
    )

"""From the weights of a 2D ResNet to those of a 3D one that starts equal to it on still clips."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

RENAMES = (
    (r"^stem\.conv", "conv1"),
    (r"^stem\.bn", "bn1"),
    (r"^heads\.\w+\.", ""),
    (r"^res(\d)", lambda match: f"layer{int(match[1]) - 1}"),
    (r"\.branch|\.spatial", ""),
    (r"shortcut\.conv", "downsample.0"),
    (r"shortcut\.bn", "downsample.1"),
)
"""From a name in a `ResNet3D` to the one of its source in torchvision's ResNet, in this order."""

IN_SEQUENCE, ADDED = re.compile(r"\.temporal\.weight$"), re.compile(r"\.plus\d?\.weight$")
"""Temporal convolutions by their names: behind a spatial one (P3D-A), and added (P3D-B and C)."""

CLASSIFIER = re.compile(r"heads\.\w+\.fc\.\w+")


def inflate_state_dict(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Overwrite a freshly built network with the `weights` of a 2D ResNet of the same body.

    `weights` is a state dict in torchvision's layout. A filter goes to the centre of its 3D one,
    the other taps being zero, and of the stem's four taps to the third (index 2). Temporal
    convolutions become the identity, or zero where they are added to what they see, and every
    head gets the 2D network's last stage. So a clip that is constant in time gives the 2D
    network's features, zero padding in time notwithstanding. A stem with another number of
    channels (optical flow) gets the mean filter over the colours, scaled to the same sum.
    Classifiers of another number of classes stay as they are; global context always does.
    Raises ValueError, and changes nothing, if tensors are missing, left over or of another shape.
    """
    temporal = {name for name in network.state_dict() if is_temporal(name)}
    own = {name for name in network.state_dict() if ".context." not in name}
    copy_weights(network, weights, {name: torchvision_name(name) for name in own - temporal})
    with torch.no_grad():
        for name in temporal:
            start = nn.init.dirac_ if IN_SEQUENCE.search(name) else nn.init.zeros_
            start(network.get_parameter(name))


def copy_weights(
    network: nn.Module, weights: Mapping[str, Tensor], sources: Mapping[str, str]
) -> None:
    """Overwrite the tensors of `network` named in `sources` with `weights`: all, or none.

    `sources` maps names in the network to names in `weights`, which must all be used. What is
    excepted: classifiers of another number of classes stay, and batches are counted from 0 again.
    Raises ValueError that lists, one a line, what is missing, left over or of another shape.
    """
    state = network.state_dict()
    sources = {name: sources[name] for name in state if name in sources and not is_counter(name)}
    tensors: dict[str, Tensor] = {}
    problems: list[str] = []
    for name, source in sources.items():
        if source not in weights:
            problems.append(f"{source} is missing (for {name})")
            continue
        given, wanted = weights[source].shape, state[name].shape
        tensor = inflate_tensor(weights[source], wanted)
        if tensor is not None:
            tensors[name] = tensor
        elif not (CLASSIFIER.fullmatch(name) and given[1:] == wanted[1:]):
            problems.append(
                f"{source} does not fit: it is {tuple(given)}, {name} is {tuple(wanted)}"
            )
    left_over = {name for name in weights if not is_counter(name)} - set(sources.values())
    problems += [f"{name} is left over" for name in sorted(left_over)]
    if problems:
        raise ValueError("\n".join(problems))
    network.load_state_dict(tensors, strict=False)


def torchvision_name(name: str) -> str:
    """Translate a tensor's name in a `ResNet3D` to the one in torchvision's ResNet."""
    for pattern, replacement in RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


def is_temporal(name: str) -> bool:
    """Whether a tensor's name in a `ResNet3D` is that of a temporal convolution's filters."""
    return bool(IN_SEQUENCE.search(name) or ADDED.search(name))


def is_counter(name: str) -> bool:
    """Whether a tensor is a count of batches: old files lack them, and nothing reads them."""
    return name.endswith("num_batches_tracked")


def inflate_tensor(source: Tensor, shape: torch.Size) -> Tensor | None:
    """Give a 2D network's tensor the `shape` it has in the 3D one; None if it does not fit.

    A filter (O, I, H, W) becomes (O, I, T, H, W), all of it on tap T // 2.
    """
    if source.dim() == 4 and len(shape) == 5:
        if source.shape[1] == 3 != shape[1]:
            source = source.sum(1, keepdim=True).expand(-1, shape[1], -1, -1) / shape[1]
        filters = source.new_zeros(*source.shape[:2], shape[2], *source.shape[2:])
        filters[:, :, shape[2] // 2] = source
        source = filters
    return source if source.shape == shape else None

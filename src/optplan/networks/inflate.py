"""From the weights of a 2D ResNet to those of a 3D one that starts equal to it on still clips."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from optplan.networks.resnet3d import ResNet3D

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


def inflate_state_dict(network: ResNet3D, weights: Mapping[str, Tensor]) -> None:
    """Overwrite a freshly built network with the `weights` of a 2D ResNet of the same body.

    `weights` is a state dict in torchvision's layout. A filter goes to the centre of its 3D one,
    the other taps being zero, and of the stem's four taps to the third (index 2). Temporal
    convolutions become the identity and every head gets the 2D network's last stage. So a clip
    that is constant in time gives the 2D network's features, zero padding in time notwithstanding.
    A stem with another number of channels (optical flow) gets the mean filter over the colours,
    scaled to the same sum. The classifier goes to every head if the number of classes agrees, and
    otherwise stays as it is; global context always does.
    Raises ValueError, and changes nothing, if tensors are missing, left over or of another shape.
    """
    inflated: dict[str, Tensor] = {}
    used: set[str] = set()
    problems: list[str] = []
    for name, target in network.state_dict().items():
        if ".context." in name or name.endswith("num_batches_tracked"):
            continue
        if name.endswith("temporal.weight"):
            inflated[name] = nn.init.dirac_(torch.empty_like(target))
            continue
        source = torchvision_name(name)
        used.add(source)
        if source not in weights:
            problems.append(f"{source} is missing (for {name})")
        elif source.startswith("fc.") and len(weights[source]) != len(target):
            continue
        elif (tensor := inflate_tensor(weights[source], target.shape)) is None:
            shapes = f"{tuple(weights[source].shape)}, {name} is {tuple(target.shape)}"
            problems.append(f"{source} does not fit: it is {shapes}")
        else:
            inflated[name] = tensor
    left_over = {name for name in weights if not name.endswith("num_batches_tracked")} - used
    problems += [f"{name} is left over" for name in sorted(left_over)]
    if problems:
        raise ValueError("not the 2D ResNet of this network's body: " + "; ".join(problems))
    network.load_state_dict(inflated, strict=False)


def torchvision_name(name: str) -> str:
    """Translate a tensor's name in a `ResNet3D` to the one in torchvision's ResNet."""
    for pattern, replacement in RENAMES:
        name = re.sub(pattern, replacement, name)
    return name


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


def read_imagenet_weights(body: str, file: Path | None = None) -> dict[str, Tensor]:
    """Read the 2D ResNet's state dict from `file`, or fetch torchvision's for `body`.

    torchvision keeps what it downloads in `$TORCH_HOME`, so only the first call needs a network.
    Raises ValueError if the file is none of weights, or if there is nothing to fetch.
    """
    if file is not None:
        try:
            weights = torch.load(file, map_location="cpu", weights_only=True)
        except (OSError, EOFError, RuntimeError, pickle.UnpicklingError) as error:
            raise ValueError(f"{file} cannot be read as a torch state dict: {error}") from error
        if not isinstance(weights, dict) or not all(map(torch.is_tensor, weights.values())):
            raise ValueError(f"{file} must hold a state dict: tensors by name, and nothing else")
        return weights
    from torchvision.models import get_model_weights  # slow to import, and seldom needed

    if not body.startswith("resnet"):
        raise ValueError(f"body {body!r} has no ImageNet weights: train it from random ones")
    try:
        return get_model_weights(body).IMAGENET1K_V1.get_state_dict(progress=False, check_hash=True)
    except OSError as error:
        raise ValueError(
            f"ImageNet weights of {body} cannot be downloaded ({error}): pass them as a file"
        ) from error

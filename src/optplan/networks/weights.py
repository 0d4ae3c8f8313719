"""Initial weights: a file by its path or of torchvision, recognised by the names in it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from pickle import UnpicklingError

import torch
from torch import Tensor, nn

from optplan.networks.inflate import (
    copy_weights,
    inflate_state_dict,
    is_temporal,
    torchvision_name,
)

WRAPPERS = ("state_dict", "model")
"""Keys under which training programs, timm's and the released code among them, save weights."""


def load_initial_weights(network: nn.Module, file: Path) -> None:
    """Overwrite a freshly built network with the weights in `file`, in one of three layouts.

    - That of `network`: a checkpoint of optplan, such as a `weights.pt` trained on other videos.
    - A 2D ResNet of torchvision, of timm or of the released code: `inflate_state_dict`.
    - A 3D ResNet of the released code.
    Classifiers of another number of classes stay random; everything else must fit exactly.
    Raises ValueError that names the file, what was expected, and each tensor that does not fit.
    """
    weights = read_state_dict(file)
    names, first = network.state_dict().keys(), weights.get("conv1.weight")
    try:
        if names & weights.keys():
            copy_weights(network, weights, {name: name for name in names})
        elif first is not None and first.dim() == 4:
            inflate_state_dict(network, weights)
        elif first is not None and first.dim() == 5:
            copy_released(network, weights)
        else:
            found = ", ".join([*weights][:3])
            raise ValueError(
                f"expected the names of this network (such as {next(iter(names))}) or of a "
                f"ResNet (conv1.weight, layer1.0.conv1.weight, ...), found {found}, ..."
            )
    except ValueError as error:
        raise ValueError(f"{file} does not fit the network or its body:\n{error}") from None


def read_state_dict(file: Path) -> dict[str, Tensor]:
    """Read a state dict, alone or below "state_dict" or "model", without its "module." prefix.

    Never executes code from the file. Raises ValueError that names the file.
    """
    try:
        content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        if isinstance(error, UnpicklingError):  # torch would advise to trust the file
            reason = "not a file of PyTorch's, or it holds more than tensors and plain values"
        else:
            reason = str(error) or type(error).__name__
        raise ValueError(
            f"{file} cannot be read as weights ({reason}): expected what "
            f"torch.save(model.state_dict(), file) writes"
        ) from error
    if isinstance(content, dict):
        inside = [key for key in WRAPPERS if isinstance(content.get(key), dict)]
        content = content[inside[0]] if inside else content
    if not (isinstance(content, dict) and content and all(map(torch.is_tensor, content.values()))):
        raise ValueError(
            f"{file} holds no state dict: expected tensors by name, alone or below one of the "
            f"keys {', '.join(WRAPPERS)}"
        )
    prefix = "module." if all(name.startswith("module.") for name in content) else ""
    return {name.removeprefix(prefix): tensor for name, tensor in content.items()}


def imagenet_file(body: str) -> Path:
    """Where torchvision keeps the ImageNet weights of `body`; fetched if they are not there yet.

    Raises ValueError as `fetch` does, and if torchvision has none.
    """
    from torchvision.models import get_model_weights  # slow to import, and seldom needed

    if not body.startswith("resnet"):
        raise ValueError(f"body {body!r} has no ImageNet weights: train it from random ones")
    url = get_model_weights(body).IMAGENET1K_V1.url
    return fetch(url, Path(torch.hub.get_dir()) / "checkpoints")


def fetch(url: str, folder: Path) -> Path:
    """Download `url` to `folder` unless it is there; its name ends in "-<start of SHA-256>.pth".

    Raises ValueError that says how to do without, and if the file's SHA-256 is another.
    """
    file = folder / url.rsplit("/", 1)[-1]
    digest = file.stem.rpartition("-")[2]
    if not file.exists():
        folder.mkdir(parents=True, exist_ok=True)
        try:
            torch.hub.download_url_to_file(url, str(file), digest, progress=False)
        except (OSError, HTTPException, RuntimeError) as error:
            raise ValueError(
                f"{url} cannot be downloaded ({error}). Download it on another machine and copy "
                f"it to {file}, or anywhere and give its path as network.weights"
            ) from error
    with file.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if not found.startswith(digest):
        raise ValueError(
            f"{file} is damaged: its SHA-256 starts with {found[: len(digest)]}, not {digest}; "
            f"delete it and start again"
        )
    return file


def copy_released(network: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Overwrite `network` with a 3D network's weights of the paper's released code.

    Its P3D and DG-P3D files do not say which blocks they are of, and are taken for A, B and C in
    turn, as that code builds them. Raises ValueError as `copy_weights` does, and for blocks of
    another kind.
    """
    names = list(network.state_dict())
    if any("conv1_t" in name for name in weights):
        raise ValueError("a P3D of the released code with ResNet-18 or 34: its blocks B differ")
    if any("_t." in name for name in weights) and not any(".plus" in name for name in names):
        raise ValueError("a P3D of the released code: set network.blocks to ABC")
    copy_weights(network, weights, {name: released_name(name) for name in names})


def released_name(name: str) -> str:
    """Translate a tensor's name in a `ResNet3D` to the one in the released code's 3D networks."""
    translated = torchvision_name(name).replace(".context.", ".")
    if is_temporal(name):
        translated = re.sub(r"\.conv(\d)\.\w+\.|\.plus(\d)\.", r".conv\1\2_t.", translated)
    if name.startswith("heads.spatial."):
        translated = re.sub(r"^(layer4|fc)\.", r"\1_dual.", translated)
    return translated

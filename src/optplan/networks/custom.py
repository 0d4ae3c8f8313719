"""Networks of the user's own, named "module:function" in the configuration."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


def build_custom_network(name: str, *, num_classes: int, dropout: float) -> CustomNetwork:
    """Call the function that `name` = "module:function" stands for, and wrap what it returns.

    Modules are looked for in the working directory first. The function is called as
    `function(num_classes=..., dropout=...)`; see docs/own-network.md.
    Raises ValueError if there is no such function, or if it returns anything but a torch module.
    """
    network = _function(name)(num_classes=num_classes, dropout=dropout)
    if not isinstance(network, nn.Module):
        raise ValueError(
            f"network {name!r} returns {type(network).__name__}: it must return a torch.nn.Module"
        )
    return CustomNetwork(network, name, num_classes)


class CustomNetwork(nn.Module):
    """A module of the user's as the rest of optplan takes it: (B, 3, T, H, W) -> (B, heads, K).

    The module itself may return (B, K), which is one head. The state dict is that of the module,
    so that it can be loaded without optplan.
    """

    def __init__(self, module: nn.Module, name: str, num_classes: int):
        super().__init__()
        self.module = module
        self.name, self.num_classes = name, num_classes
        self.frozen: list[_BatchNorm] = []

    def forward(self, clips: Tensor) -> Tensor:
        logits = self.module(clips)
        shape = tuple(logits.shape) if torch.is_tensor(logits) else type(logits).__name__
        wanted = len(clips), self.num_classes
        if len(shape) not in (2, 3) or (shape[0], shape[-1]) != wanted:
            raise ValueError(
                f"network {self.name!r} turns clips {tuple(clips.shape)} into {shape}: it must "
                f"return logits {wanted}, or {(wanted[0], 'heads', wanted[1])} of several heads"
            )
        return logits if logits.dim() == 3 else logits.unsqueeze(1)

    @torch.no_grad()
    def try_out(self, *, frames: int, size: int) -> None:
        """Pass one clip of zeros through, `frames` x `size` x `size`; ValueError if that fails."""
        clip = torch.zeros(1, 3, frames, size, size)
        try:
            self.eval()(clip)
        except (RuntimeError, TypeError, IndexError) as error:
            raise ValueError(
                f"network {self.name!r} cannot take a clip of shape {tuple(clip.shape)}: {error}"
            ) from error

    def freeze_batch_norm(self, frozen: bool = True) -> None:
        """Freeze all batch normalisations but the first, statistics and affine parameters both.

        A module that has a method of this name is left to freeze itself.
        """
        freeze = getattr(self.module, "freeze_batch_norm", None)
        if freeze is not None:
            freeze(frozen)
            return
        layers = [m for m in self.module.modules() if isinstance(m, _BatchNorm)][1:]
        for layer in layers if frozen else self.frozen:
            layer.requires_grad_(not frozen)
        self.frozen = layers if frozen else []
        self.train(self.training)

    def train(self, mode: bool = True) -> CustomNetwork:
        super().train(mode)
        for layer in self.frozen:
            layer.eval()
        return self

    def state_dict(self, *args, **kwargs) -> Any:
        return self.module.state_dict(*args, **kwargs)

    def load_state_dict(self, *args, **kwargs):
        return self.module.load_state_dict(*args, **kwargs)


def _function(name: str) -> Callable[..., nn.Module]:
    module_name, _, function_name = name.partition(":")
    folder = str(Path.cwd())
    if folder not in sys.path:  # a Snakemake script starts with its own folder there
        sys.path.insert(0, folder)
    try:
        module = import_module(module_name)
    except ImportError as error:
        raise ValueError(
            f"network {name!r} cannot be imported: {error} (looked for in {folder}, then where "
            f"Python finds its packages)"
        ) from error
    function = getattr(module, function_name, None)
    if not callable(function):
        where = getattr(module, "__file__", None) or module_name
        raise ValueError(f"network {name!r}: there is no function {function_name!r} in {where}")
    return function

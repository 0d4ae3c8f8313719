"""The augmentation of MoCo v2, with which the released code trains: colours, grey and blur."""

import functools

import numpy as np
import torch
from torchvision.transforms import v2

BLUR = 13  # px: three of the largest deviations to each side


def augment(clip: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Clip (3, T, H, W) uint8 -> one of the same shape, all of its frames changed alike.

    With MoCo v2's usual strengths: colour jitter for 80 % of the clips, grey for 20 %, a Gaussian
    blur for 50 %. What is drawn follows from `rng` alone: torchvision draws from torch's global
    generator, which dropout needs too, and finds it as it was before.
    """
    seed = int(rng.integers(2**63))
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)  # torch.manual_seed would change GPUs' as well
        frames = _moco(clip.shape[-1])(clip.permute(1, 0, 2, 3))
    return frames.permute(1, 0, 2, 3)


@functools.cache
def _moco(size: int) -> v2.Compose:
    blur = min(BLUR, 2 * size - 1)  # it reflects the frame, once at most
    return v2.Compose(
        [
            v2.RandomApply([v2.ColorJitter(0.4, 0.4, 0.4, 0.1)], p=0.8),
            v2.RandomGrayscale(p=0.2),
            v2.RandomApply([v2.GaussianBlur(blur, sigma=(0.1, 2.0))], p=0.5),
        ]
    )

"""From decoded frames to the network's input: resize, crop, flip, normalise (Sec. 5.2).

Resizing the whole frame and then cropping it would spend most of its work on pixels that are thrown
away; the crop is therefore found in the source frame first and only that part is resized.

Flow goes the same way, with two channels in place of three. Resizing does not change its values, in
pixels a frame of the stored size: the usual practice, and a matter of scale for the network.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn.functional import interpolate

from optplan.video.flow import ZERO

MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)
FLOW_STD = 0.226  # the mean of STD, for which inflated RGB filters were trained


@dataclass(frozen=True, slots=True)
class Box:
    """A square of the source frame, in source pixels, and whether it is mirrored."""

    top: int
    left: int
    side: int
    flip: bool = False


def random_box(
    height: int, width: int, *, short_side: tuple[int, int], crop: int, flip: bool, rng
) -> Box:
    """A training crop: short side resized to a random value of `short_side`, random square crop."""
    side = _source_side(height, width, rng.integers(short_side[0], short_side[1] + 1), crop)
    top = rng.integers(0, height - side + 1)
    left = rng.integers(0, width - side + 1)
    return Box(int(top), int(left), side, bool(flip and rng.random() < 0.5))


def view_boxes(height: int, width: int, *, short_side: int, crop: int, num_crops: int) -> list[Box]:
    """`num_crops` squares evenly along the long side, centred across it; 1 is the centre."""
    side = _source_side(height, width, short_side, crop)
    fractions = [0.5] if num_crops == 1 else np.linspace(0, 1, num_crops)
    boxes = []
    for fraction in fractions:
        across, down = (fraction, 0.5) if width >= height else (0.5, fraction)
        boxes.append(Box(round((height - side) * down), round((width - side) * across), side))
    return boxes


def cut(frames: np.ndarray, box: Box, crop: int) -> torch.Tensor:
    """Frames (T, H, W, C) uint8 -> clip (C, T, crop, crop) uint8, all frames cut alike.

    C is 3 for RGB, or 2 for the levels of flow, whose x displacement a mirror negates.
    """
    part = frames[:, box.top : box.top + box.side, box.left : box.left + box.side]
    # Channels stay last in memory: uint8 is resized three times as fast so.
    clip = torch.from_numpy(np.ascontiguousarray(part)).permute(0, 3, 1, 2)
    clip = interpolate(clip, (crop, crop), mode="bilinear", antialias=True)
    if box.flip:
        clip = clip.flip(-1)
        if clip.shape[1] == 2:
            clip[:, 0] = 2 * ZERO - clip[:, 0].int()
    return clip.permute(1, 0, 2, 3)


def normalise(clips: torch.Tensor) -> torch.Tensor:
    """Clips (B, C, T, H, W) uint8 -> float32, same device.

    RGB gets ImageNet's mean 0 and deviation 1; of flow (C = 2), no motion becomes 0.
    """
    if clips.shape[1] == 2:
        return clips.float().sub_(ZERO).div_(FLOW_STD * 255)
    shape = (1, 3, 1, 1, 1)
    mean = torch.tensor(MEAN, device=clips.device).view(shape) * 255
    std = torch.tensor(STD, device=clips.device).view(shape) * 255
    return clips.float().sub_(mean).div_(std)  # in place: new tensors take three times as long


def _source_side(height: int, width: int, short_side: int, crop: int) -> int:
    """Side, in source pixels, of a `crop` square once the short side has become `short_side`."""
    return max(1, min(round(min(height, width) * crop / short_side), height, width))

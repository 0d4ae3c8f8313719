import numpy as np
import pytest
import torch

from optplan.video.augmentation import augment

pytestmark = pytest.mark.usefixtures("one_thread")


def clip_of(size=24, frames=4, seed=0) -> torch.Tensor:
    pixels = np.random.default_rng(seed).integers(0, 256, (3, frames, size, size), dtype=np.uint8)
    return torch.from_numpy(pixels)


def augmented(clip, seed) -> torch.Tensor:
    return augment(clip, np.random.default_rng(seed))


def is_grey(clip) -> bool:
    return torch.equal(clip[0], clip[1]) and torch.equal(clip[1], clip[2])


def sharpness(clip) -> float:
    return (clip[..., 1:].float() - clip[..., :-1].float()).abs().mean().item()


def test_a_clip_keeps_its_shape_and_kind_and_is_left_alone_itself():
    clip = clip_of()
    before = clip.clone()
    out = augmented(clip, 1)
    assert (out.shape, out.dtype) == (clip.shape, torch.uint8)
    assert torch.equal(clip, before)


def test_all_frames_of_a_clip_are_changed_alike():
    still = clip_of(frames=1).expand(-1, 5, -1, -1)
    for seed in range(20):
        out = augmented(still, seed)
        assert all(torch.equal(out[:, 0], out[:, t]) for t in range(5))


def test_clips_are_jittered_turned_grey_and_blurred_as_often_as_in_moco():
    clip = clip_of()
    out = [augmented(clip, seed) for seed in range(400)]
    changed = sum(not torch.equal(one, clip) for one in out)
    assert 0.88 < changed / 400 < 0.96  # all but 0.2 * 0.8 * 0.5 of them
    assert 0.14 < sum(map(is_grey, out)) / 400 < 0.26
    coloured = [one for one in out if not is_grey(one)]
    # Of noise, a blur of a pixel or two leaves little; jitter keeps at least a third.
    blurred = sum(sharpness(one) < sharpness(clip) / 4 for one in coloured)
    assert 0.25 < blurred / len(coloured) < 0.5


def test_what_is_drawn_follows_from_the_given_generator_and_leaves_torchs_as_it_was():
    clip, rng = clip_of(), np.random.default_rng(3)
    torch.manual_seed(1)
    first, drawn = augmented(clip, 7), torch.rand(4)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(4), drawn)
    assert torch.equal(augmented(clip, 7), first)
    several = [augment(clip, rng) for _ in range(8)]
    assert len({one.numpy().tobytes() for one in several}) > 4


def test_the_smallest_crop_can_be_blurred():
    clip = clip_of(size=4)
    assert all(augmented(clip, seed).shape == clip.shape for seed in range(10))

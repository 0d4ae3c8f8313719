import numpy as np
import pytest
import torch

from optplan.video.transforms import MEAN, STD, Box, cut, normalise, random_box, view_boxes

SIZES = [(32, 64), (64, 32), (50, 50), (240, 320), (321, 239), (7, 400), (1, 1), (1080, 1920)]
SCALES = [((32, 40), 28), ((36, 36), 36), ((256, 340), 224), ((16, 16), 32)]


def pixels(height, width, frames=2, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (frames, height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("short_side", "crop"), SCALES)
def test_boxes_lie_inside_the_frame(size, short_side, crop):
    rng = np.random.default_rng(0)
    boxes = [
        random_box(*size, short_side=short_side, crop=crop, flip=True, rng=rng) for _ in range(50)
    ]
    for crops in (1, 2, 3, 5):
        boxes += view_boxes(*size, short_side=short_side[0], crop=crop, num_crops=crops)
    for box in boxes:
        assert box.side >= 1
        assert 0 <= box.top <= size[0] - box.side
        assert 0 <= box.left <= size[1] - box.side


def test_a_random_box_varies_in_size_and_place_and_is_mirrored_half_of_the_time():
    rng = np.random.default_rng(0)
    scale = {"short_side": (256, 340), "crop": 224, "rng": rng}
    boxes = [random_box(240, 320, flip=True, **scale) for _ in range(400)]
    sides = {box.side for box in boxes}
    assert (min(sides), max(sides)) == (round(240 * 224 / 340), 240 * 224 // 256)
    assert 150 < sum(box.flip for box in boxes) < 250
    assert not any(random_box(240, 320, flip=False, **scale).flip for _ in range(50))


@pytest.mark.parametrize("size", SIZES)
def test_three_crops_along_the_long_side_reach_both_ends_and_the_centre(size):
    first, middle, last = view_boxes(*size, short_side=256, crop=256, num_crops=3)
    assert first.side == min(size)
    assert (first.top, first.left) == (0, 0)
    assert (last.top + last.side, last.left + last.side) == size
    assert [middle] == view_boxes(*size, short_side=256, crop=256, num_crops=1)


def test_crops_smaller_than_the_short_side_are_centred_across_it():
    for box in view_boxes(240, 320, short_side=240, crop=120, num_crops=3):
        assert (box.top, box.side) == (60, 120)
    for box in view_boxes(320, 240, short_side=240, crop=120, num_crops=3):
        assert (box.left, box.side) == (60, 120)


def test_a_cut_is_channels_first_uint8_of_the_crops_size():
    clip = cut(pixels(40, 60, frames=5), Box(3, 10, 30), 16)
    assert clip.shape == (3, 5, 16, 16)
    assert clip.dtype == torch.uint8


def test_a_cut_at_the_size_of_its_box_copies_the_pixels():
    frames = pixels(40, 60)
    clip = cut(frames, Box(3, 10, 30), 30)
    assert np.array_equal(clip.permute(1, 2, 3, 0).numpy(), frames[:, 3:33, 10:40])


def test_a_flipped_cut_is_the_mirror_image():
    frames = pixels(40, 60)
    straight, mirrored = (cut(frames, Box(3, 10, 30, flip), 20) for flip in (False, True))
    assert torch.equal(mirrored, straight.flip(3))
    assert not torch.equal(mirrored, straight)


def test_all_frames_of_a_clip_are_cut_alike():
    still = np.repeat(pixels(40, 60, frames=1), 4, axis=0)
    clip = cut(still, Box(5, 7, 21, True), 16)
    assert all(torch.equal(clip[:, 0], clip[:, t]) for t in range(4))


def test_reducing_averages_the_pixels():
    checkers = np.indices((32, 32)).sum(0) % 2 * 255
    frames = np.repeat(checkers[None, :, :, None], 3, axis=3).astype(np.uint8)
    clip = cut(frames, Box(0, 0, 32), 8)
    assert abs(clip.float() - 127.5).max() < 20


def test_normalised_clips_have_the_mean_and_deviation_of_imagenet():
    clips = torch.from_numpy(pixels(8, 8, frames=4)).permute(3, 0, 1, 2)[None]
    out = normalise(clips)
    assert (out.dtype, out.shape) == (torch.float32, clips.shape)
    for channel in range(3):
        expected = (clips[:, channel] / 255 - MEAN[channel]) / STD[channel]
        torch.testing.assert_close(out[:, channel], expected)


def test_a_mirrored_flow_is_the_flow_of_the_mirrored_video():
    levels = np.maximum(pixels(40, 60)[..., :2], 1)
    mirrored = levels[:, :, ::-1].copy()
    mirrored[..., 0] = 256 - mirrored[..., 0].astype(int)
    flipped = cut(levels, Box(3, 10, 30, True), 30)
    assert torch.equal(flipped, cut(mirrored, Box(3, 20, 30), 30))
    assert flipped.shape == (2, 2, 30, 30)


def test_flow_without_motion_is_zero_for_the_network_mirrored_or_not():
    still = np.full((4, 40, 60, 2), 128, np.uint8)
    for flip in (False, True):
        clip = normalise(cut(still, Box(3, 10, 30, flip), 16)[None])
        assert clip.shape == (1, 2, 4, 16, 16)
        assert not clip.any()


def test_opposite_motions_are_opposite_numbers_for_the_network():
    clips = torch.tensor([1, 28, 228, 255], dtype=torch.uint8).view(1, 2, 2, 1, 1)
    out = normalise(clips).flatten()
    torch.testing.assert_close(out[:2], -out[2:].flip(0))
    assert 2 < out[3] < 2.5

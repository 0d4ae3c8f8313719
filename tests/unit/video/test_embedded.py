import numpy as np
import pytest

from optplan.video.decoding import read_all
from optplan.video.embedded import (
    CLASSES,
    LIFE,
    MARGIN,
    NUM_FRAMES,
    _short_lives,
    _three_times,
    encode,
    render,
    write_set,
)
from optplan.video.sampling import ClipSpec, view_indices

LABELS = [(name, label) for name, labels in CLASSES.items() for label in labels]


def rendered(name="motion", label="up-left", seed=0):
    return render(name, label, np.random.default_rng(seed))


@pytest.mark.parametrize(("name", "label"), LABELS)
def test_rendering_follows_from_the_random_generator(name, label):
    (frames, rate), (same, same_rate) = rendered(name, label), rendered(name, label)
    assert (frames.dtype, rate) == (np.uint8, same_rate)
    assert np.array_equal(frames, same)


def test_videos_differ_in_size_length_and_frame_rate():
    videos = [rendered("order", "red-green-blue", seed) for seed in range(40)]
    lengths, heights, widths, _ = zip(*(frames.shape for frames, _ in videos), strict=True)
    for values in (lengths, heights, widths, [rate for _, rate in videos]):
        assert len(set(values)) > 3


def test_sprites_follow_the_class_within_a_life_and_tell_nothing_beyond_it():
    rng = np.random.default_rng(0)
    tracks = np.stack([_short_lives((80, 48, 60), (-1, 1), 1.0, rng) for _ in range(100)])
    straight = np.diff(tracks, n=2, axis=1)
    assert np.mean(np.abs(straight).max(axis=2) < 1e-9) >= (LIFE - 2) / LIFE
    for distance, towards_class in ((1, 1 - 0.75 / LIFE), (LIFE, 0.25), (LIFE + 1, 0.25)):
        up, right = np.moveaxis(tracks[:, distance:] - tracks[:, :-distance], 2, 0)
        assert np.mean((up < 0) & (right > 0)) == pytest.approx(towards_class, abs=0.04)


def test_no_uniform_clip_of_16_frames_sees_a_sprite_of_motion_twice_in_one_life():
    for num_frames in NUM_FRAMES:
        indices = view_indices(num_frames, ClipSpec(sampling="us", length=16), num_clips=10)
        assert np.diff(indices).min() >= LIFE


def test_no_consecutive_clip_of_16_frames_sees_two_events_of_order_or_how_near_an_end_is():
    rng = np.random.default_rng(0)
    assert MARGIN >= 16 - 1
    for num_frames in [*NUM_FRAMES] * 20:
        times = np.array(_three_times(num_frames, rng))
        gaps = np.append(times[:, 0], num_frames) - np.append(0, times[:, 1])
        assert gaps.min() >= MARGIN
        assert np.diff(times).min() >= 5


@pytest.mark.parametrize("name", CLASSES)
def test_a_written_video_is_read_back_with_all_frames_and_close_pixels(tmp_path, name):
    frames, rate = rendered(name, next(iter(CLASSES[name])))
    encode(tmp_path / "v.mp4", frames, rate)
    decoded = read_all(tmp_path / "v.mp4")
    assert decoded.shape == frames.shape
    # Colour is stored at half the resolution, so that only the brightness comes back.
    error = np.mean((decoded.mean(axis=3) - frames.mean(axis=3)) ** 2)
    assert 10 * np.log10(255**2 / error) > 25


def test_a_set_has_its_folders_and_the_same_bytes_every_time(tmp_path):
    written = []
    for copy in ("one", "two"):
        write_set("motion", tmp_path / copy, seed=1, train_per_class=1, test_per_class=1)
        files = sorted((tmp_path / copy).rglob("*.mp4"))
        written.append({str(f.relative_to(tmp_path / copy)): f.read_bytes() for f in files})
    assert written[0] == written[1]
    assert set(written[0]) == {
        f"{subset}/{label}/000.mp4" for subset in ("train", "test") for label in CLASSES["motion"]
    }
    assert len(set(written[0].values())) == 8


def test_another_seed_gives_other_videos(tmp_path):
    contents = set()
    for seed in (1, 2):
        write_set("order", tmp_path / str(seed), seed=seed, train_per_class=1, test_per_class=0)
        contents |= {file.read_bytes() for file in (tmp_path / str(seed)).rglob("*.mp4")}
    assert len(contents) == 2 * len(CLASSES["order"])


def test_an_unknown_set_is_named_with_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match=r"'motoin' is not an embedded set; .*'motion', 'order'"):
        write_set("motoin", tmp_path, seed=1, train_per_class=1, test_per_class=1)

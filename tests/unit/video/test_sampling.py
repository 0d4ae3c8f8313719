import numpy as np
import pytest

from optplan.video.sampling import ClipSpec, first_indices, training_indices, view_indices

SPECS = [
    *(ClipSpec(sampling="cs", length=n, stride=s) for n in (1, 4, 16, 64) for s in (1, 2, 5)),
    *(ClipSpec(sampling="us", length=n, snippet=s) for n in (4, 16, 64) for s in (1, 2, 4)),
]
VIDEOS = range(1, 301)


def uniform(length, snippet):
    return ClipSpec(sampling="us", length=length, snippet=snippet)


def consecutive(length, stride=1):
    return ClipSpec(sampling="cs", length=length, stride=stride)


def centric_indices(frames, spec):
    return view_indices(frames, spec, num_clips=1)[0]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_a_clip_of_any_video_has_its_length_and_only_frames_of_the_video(spec):
    rng = np.random.default_rng(0)
    for frames in VIDEOS:
        clips = np.vstack(
            [view_indices(frames, spec, num_clips=3), training_indices(frames, spec, rng)[None]]
        )
        assert clips.shape == (4, spec.length)
        assert clips.min() >= 0
        assert clips.max() < frames


@pytest.mark.parametrize("spec", [s for s in SPECS if s.sampling == "cs"], ids=str)
def test_a_consecutive_clip_keeps_the_stride_and_loops_a_short_video(spec):
    rng = np.random.default_rng(0)
    window = (spec.length - 1) * spec.stride + 1
    for frames in VIDEOS:
        indices = training_indices(frames, spec, rng)
        steps = np.diff(indices)
        assert np.array_equal(steps % frames, np.full(spec.length - 1, spec.stride % frames))
        if frames >= window:
            assert (steps == spec.stride).all()
        else:
            assert indices[0] == 0


@pytest.mark.parametrize("spec", [s for s in SPECS if s.sampling == "us"], ids=str)
def test_uniform_snippets_increase_and_stay_in_their_own_segments(spec):
    rng = np.random.default_rng(0)
    segments = spec.length // spec.snippet
    for frames in range(spec.length, 301):
        for indices in (training_indices(frames, spec, rng), centric_indices(frames, spec)):
            assert (np.diff(indices) > 0).all()
            snippets = indices.reshape(segments, spec.snippet)
            assert (np.diff(snippets, axis=1) == 1).all()
            own = np.repeat(np.arange(segments), spec.snippet)
            assert np.array_equal(indices * segments // frames, own)


@pytest.mark.parametrize("spec", [uniform(16, 1), uniform(16, 4)], ids=str)
def test_every_start_within_a_segment_can_be_drawn(spec):
    rng = np.random.default_rng(0)
    drawn = {i for _ in range(300) for i in training_indices(48, spec, rng)}
    assert drawn == set(range(48))


def test_every_window_of_a_video_can_be_drawn():
    rng = np.random.default_rng(0)
    starts = {training_indices(10, consecutive(4, 2), rng)[0] for _ in range(100)}
    assert starts == {0, 1, 2, 3}


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_the_centric_clip_is_centred(spec):
    needed = (spec.length - 1) * spec.stride + 1
    for frames in range(needed, 301):
        indices = centric_indices(frames, spec)
        before, after = indices[0], frames - 1 - indices[-1]
        # A consecutive clip is off by half a frame at most; a snippet by one of its segment.
        assert abs(before - after) <= (1 if spec.sampling == "cs" else 2)


def test_the_first_clip_begins_with_the_video_and_uniform_snippets_with_their_segments():
    assert first_indices(40, consecutive(4, 2)).tolist() == [[0, 2, 4, 6]]
    assert first_indices(3, consecutive(4)).tolist() == [[0, 1, 2, 0]]
    assert first_indices(40, uniform(8, 2)).tolist() == [[0, 1, 10, 11, 20, 21, 30, 31]]


def test_short_videos_are_looped():
    assert centric_indices(3, consecutive(8)).tolist() == [0, 1, 2, 0, 1, 2, 0, 1]
    assert centric_indices(1, uniform(4, 1)).tolist() == [0, 0, 0, 0]
    assert centric_indices(2, uniform(4, 4)).tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("spec", [consecutive(16), uniform(8, 4)], ids=str)
def test_views_are_distinct_and_spread_evenly_over_the_video(spec):
    starts = view_indices(300, spec, num_clips=10)[:, 0]
    steps = np.diff(starts)
    assert steps.min() > 0
    assert steps.max() - steps.min() <= 1


def test_views_of_consecutive_windows_reach_towards_both_ends():
    views = view_indices(300, consecutive(16), num_clips=10)
    assert views.min() < 300 / 10
    assert views.max() > 300 - 300 / 10


@pytest.mark.parametrize("spec", [consecutive(16), uniform(16, 4)], ids=str)
def test_training_clips_follow_from_the_random_generator(spec):
    clips = [training_indices(200, spec, np.random.default_rng(seed)) for seed in (7, 7, 8)]
    assert np.array_equal(clips[0], clips[1])
    assert not np.array_equal(clips[0], clips[2])


@pytest.mark.parametrize("spec", [consecutive(4), uniform(4, 1)], ids=str)
def test_a_video_without_frames_is_refused(spec):
    with pytest.raises(ValueError, match="at least one frame, not 0"):
        centric_indices(0, spec)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sampling": "xs"}, "'xs' is neither 'cs' nor 'us'"),
        ({"length": 0}, "length must be at least 1, not 0"),
        ({"stride": 0}, "stride must be at least 1, not 0"),
        ({"snippet": -1}, "snippet must be at least 1, not -1"),
        ({"snippet": 3}, "8 frames cannot be cut into snippets of 3"),
    ],
)
def test_an_impossible_clip_is_refused_with_the_reason(wrong, message):
    with pytest.raises(ValueError, match=message):
        ClipSpec(**{"sampling": "us", "length": 8} | wrong)

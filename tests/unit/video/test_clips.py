import numpy as np
import pandas as pd
import pytest
import torch
from encode import encode_video
from torch.utils.data import DataLoader

from optplan.video.clips import TrainingClips, ViewClips, ViewPieces
from optplan.video.frames import FrameStore, VideoFiles, write_frames
from optplan.video.sampling import ClipSpec

CONSECUTIVE = ClipSpec(sampling="cs", length=4)
UNIFORM = ClipSpec(sampling="us", length=8, snippet=2)


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Three videos as files and as decoded frames, and their table."""
    root = tmp_path_factory.mktemp("videos")
    sizes = {"a.mp4": (12, 40, 64), "b.mp4": (3, 64, 56), "c.mp4": (20, 32, 40)}
    for seed, (name, (frames, height, width)) in enumerate(sizes.items()):
        encode_video(root / name, frames=frames, height=height, width=width, seed=seed)
    table = pd.DataFrame(sizes.values(), columns=["frames", "height", "width"])
    table = table.assign(video=list(sizes), target=[0, 2, 1])
    write_frames(table, root, root / "frames.npy")
    return table, VideoFiles(root, table), FrameStore(root / "frames.npy", table)


def training_clips(source, table, spec=CONSECUTIVE, *, seed=1, rows=(0, 1, 2), **own):
    scale = {"short_side": [28, 36], "crop": 24, "flip": True}
    return TrainingClips(source, table, np.array(rows), spec, seed=seed, **scale, **own)


def test_a_training_clip_is_uint8_of_the_specified_size_with_its_target(videos):
    table, _, store = videos
    clips = training_clips(store, table, UNIFORM, rows=(2, 1))
    clip, target = clips[1, 0]
    assert len(clips) == 2
    assert (clip.shape, clip.dtype, target) == ((3, 8, 24, 24), torch.uint8, 1)
    assert clips[1, 1][1] == 2


@pytest.mark.parametrize("augmentation", ["paper", "moco"])
def test_a_training_clip_follows_from_seed_epoch_and_number_alone(videos, augmentation):
    table, _, store = videos
    own = {"augmentation": augmentation}
    clips = training_clips(store, table, **own)
    first = clips[3, 2][0]
    for number in (0, 1):
        clips[1, number]
    assert torch.equal(clips[3, 2][0], first)
    assert torch.equal(training_clips(store, table, **own)[3, 2][0], first)
    assert not torch.equal(clips[4, 2][0], first)
    assert not torch.equal(training_clips(store, table, seed=2, **own)[3, 2][0], first)


def test_augmentation_changes_the_pixels_of_the_same_crops(videos):
    table, _, store = videos
    plain, moco = (training_clips(store, table, augmentation=name) for name in ("paper", "moco"))
    clips = [(plain[epoch, 0][0], moco[epoch, 0][0]) for epoch in range(1, 13)]
    assert sum(not torch.equal(one, other) for one, other in clips) > 6
    likeness = [np.corrcoef(a.flatten(), b.flatten())[0, 1] for a, b in clips]
    assert np.median(likeness) > 0.5


@pytest.mark.parametrize("augmentation", ["paper", "moco"])
def test_the_same_clips_come_from_a_worker_and_from_the_main_process(videos, augmentation):
    table, _, store = videos
    clips = training_clips(store, table, augmentation=augmentation)
    keys = [[(1, 2), (1, 0)], [(1, 1)]]
    runs = [list(DataLoader(clips, batch_sampler=keys, num_workers=workers)) for workers in (0, 1)]
    for (clips, targets), (same_clips, same_targets) in zip(*runs, strict=True):
        assert torch.equal(clips, same_clips)
        assert torch.equal(targets, same_targets)


@pytest.mark.parametrize("spec", [CONSECUTIVE, UNIFORM], ids=str)
def test_decoded_frames_and_video_files_give_identical_clips(videos, spec):
    table, files, store = videos
    views = {"short_side": 32, "crop": 32, "num_clips": 2, "num_crops": 3}
    for number in range(3):
        ours, theirs = (training_clips(s, table, spec)[5, number][0] for s in (files, store))
        assert torch.equal(ours, theirs)
        ours, theirs = (ViewClips(s, table, [0, 1, 2], spec, **views) for s in videos[1:])
        for one, other in zip(ours.views(number), theirs.views(number), strict=True):
            assert torch.equal(one, other)


def test_the_views_of_a_video_are_its_clips_times_its_crops(videos):
    table, _, store = videos
    scale = {"short_side": 24, "crop": 24}
    dataset = ViewClips(store, table, [2], CONSECUTIVE, num_clips=2, num_crops=3, **scale)
    views = list(dataset.views(0))
    assert (len(dataset), dataset.targets.tolist()) == (1, [1])
    assert [view.shape for view in views] == 6 * [(3, 4, 24, 24)]
    assert len({view.numpy().tobytes() for view in views}) == 6
    (centre,) = ViewClips(store, table, [2], CONSECUTIVE, **scale).views(0)
    assert centre.shape == (3, 4, 24, 24)


def test_the_first_clip_of_a_video_can_be_asked_for_and_is_one(videos):
    table, _, store = videos
    scale = {"short_side": 32, "crop": 32}
    (first,) = ViewClips(store, table, [2], CONSECUTIVE, first=True, **scale).views(0)
    frames = table.assign(frames=CONSECUTIVE.length)  # all the frames that its centric clip knows
    (beginning,) = ViewClips(store, frames, [2], CONSECUTIVE, **scale).views(0)
    assert torch.equal(first, beginning)
    (centric,) = ViewClips(store, table, [2], CONSECUTIVE, **scale).views(0)
    assert not torch.equal(first, centric)
    with pytest.raises(ValueError, match="one first clip of a video, not 2"):
        ViewClips(store, table, [2], CONSECUTIVE, first=True, num_clips=2, **scale)


class Counted:
    """Another source that remembers how often it was asked for each row."""

    def __init__(self, source):
        self.source, self.asked = source, []

    def clip(self, row, indices):
        self.asked.append(row)
        return self.source.clip(row, indices)


def test_a_video_is_decoded_once_for_all_its_views(videos):
    table, _, store = videos
    source = Counted(store)
    dataset = ViewClips(source, table, [2, 0], UNIFORM, short_side=24, crop=24, num_clips=5)
    for _ in ViewPieces(dataset, range(2), 2):
        pass
    assert source.asked == [2, 0]


@pytest.mark.parametrize(
    ("size", "sizes"), [(4, [4, 2, 4, 2, 4, 2]), (6, [6, 6, 6]), (13, [12, 6])]
)
def test_pieces_hold_all_views_in_any_number_of_workers(videos, size, sizes):
    table, _, store = videos
    scale = {"short_side": 24, "crop": 24}
    dataset = ViewClips(store, table, [0, 1, 2], CONSECUTIVE, num_clips=2, num_crops=3, **scale)
    expected = torch.stack([view for number in range(3) for view in dataset.views(number)])
    for workers in (0, 2):
        pieces = DataLoader(
            ViewPieces(dataset, range(3), size), batch_size=None, num_workers=workers
        )
        found = sorted(pieces, key=lambda piece: piece[0])  # stable
        assert [len(views) for _, _, views in found] == sizes
        assert torch.equal(torch.cat([views for _, _, views in found]), expected)
        lasts = [number for number, complete, _ in found if complete]
        assert lasts == sorted({number for number, _, _ in found})


def test_clips_of_flow_have_two_channels():
    class Flow:
        def clip(self, row, indices):
            return np.full((len(indices), 40, 64, 2), 128, np.uint8)

    table = pd.DataFrame({"frames": [12], "target": [1]})
    clip, target = training_clips(Flow(), table, rows=[0])[1, 0]
    assert (clip.shape, target) == ((2, 4, 24, 24), 1)
    flow = ViewClips(Flow(), table, [0], CONSECUTIVE, short_side=24, crop=24, num_crops=3)
    assert [view.shape for view in flow.views(0)] == 3 * [(2, 4, 24, 24)]

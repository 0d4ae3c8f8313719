import numpy as np
import pandas as pd
import pytest

from optplan.video.flow import (
    BOUND,
    ZERO,
    FlowClips,
    flow_folder,
    flow_table,
    stored_pictures,
    to_levels,
    to_picture,
    to_pixels,
)


def split(**own):
    row = {"video": "a/x.avi", "sha1": "0123456789", "height": 240, "width": 320, "frames": 9}
    return pd.DataFrame([row | {"subset": "train"} | own])


class Pictures:
    """Stored pictures of one video, as `VideoFiles` delivers them."""

    def __init__(self, *pictures):
        self.frames = np.repeat(np.stack(pictures)[..., None], 3, axis=3)

    def clip(self, row, indices):
        return self.frames[indices]


def test_no_motion_is_stored_exactly():
    assert to_levels(np.zeros((2, 3, 2))).tolist() == np.full((2, 3, 2), ZERO).tolist()
    assert to_pixels(np.array([ZERO])).tolist() == [0.0]


def test_the_level_of_the_opposite_motion_is_the_mirrored_level():
    flow = np.random.default_rng(0).normal(0, 9, 10_000)
    assert np.array_equal(to_levels(-flow), 256 - to_levels(flow).astype(int))


def test_displacements_within_the_bound_are_kept_to_half_a_level():
    flow = np.linspace(-BOUND, BOUND, 1001)
    assert abs(to_pixels(to_levels(flow)) - flow).max() <= BOUND / 127 / 2 + 1e-6


def test_displacements_beyond_the_bound_are_clipped_to_it():
    levels = to_levels(np.array([-1000.0, -BOUND, BOUND, 1000.0]))
    assert levels.tolist() == [1, 1, 255, 255]
    np.testing.assert_allclose(to_pixels(levels), [-BOUND, -BOUND, BOUND, BOUND], rtol=1e-6)


@pytest.mark.parametrize("width", [31, 32, 33, 48, 70])
def test_a_picture_gives_back_the_levels_it_was_made_of(width):
    levels = np.random.default_rng(0).integers(1, 256, (5, 20, width, 2), dtype=np.uint8)
    pictures = Pictures(*map(to_picture, levels))
    table = flow_table(split(height=20, width=width), method="dis", short_side=20)
    stored = stored_pictures(table).iloc[0]
    assert pictures.frames.shape[1:3] == (stored["height"], stored["width"])
    assert stored["width"] % 32 == 0
    clip = FlowClips(pictures, table).clip(0, np.array([3, 1, 1]))
    assert np.array_equal(clip, levels[[3, 1, 1]])


def test_a_level_that_coding_made_0_becomes_1_which_has_an_opposite():
    table = flow_table(split(height=1, width=32), method="dis", short_side=9)
    clip = FlowClips(Pictures(np.zeros((2, 32), np.uint8)), table).clip(0, [0])
    assert clip.min() == clip.max() == 1


def test_the_table_is_the_split_with_the_size_of_the_flow_and_its_file():
    table = flow_table(split(), method="tvl1", short_side=120)
    row = table.iloc[0]
    assert (row["height"], row["width"], row["frames"]) == (120, 160, 9)
    assert row["flow"] == "tvl1-120/a/x.avi.01234567-320x240.mp4"
    assert (row["video"], row["subset"]) == ("a/x.avi", "train")


def test_small_frames_are_not_enlarged():
    table = flow_table(split(height=100, width=90), method="tvl1", short_side=120)
    assert table.loc[0, ["height", "width"]].tolist() == [100, 90]


def test_the_file_changes_with_the_video_its_size_the_method_and_the_size_of_the_flow():
    usual = {"method": "tvl1", "short_side": 120, "sha1": "01", "height": 240}
    others = [{}, {"method": "dis"}, {"short_side": 100}, {"sha1": "02"}, {"height": 256}]
    names = set()
    for other in others:
        own = usual | other
        options = {key: own.pop(key) for key in ("method", "short_side")}
        names.add(flow_table(split(**own), **options)["flow"].iloc[0])
    assert len(names) == len(others)


def test_the_folder_lies_beside_the_table():
    assert flow_folder("results/s/e/data/flow.tsv").as_posix() == "results/s/e/data/flow"

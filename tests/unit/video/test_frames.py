import pickle

import numpy as np
import pandas as pd
import pytest
from encode import barcodes, encode_barcodes, encode_video

from optplan.video.decoding import DecodingError, read_all
from optplan.video.frames import FrameStore, VideoFiles, write_frames


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """Three videos of different sizes and lengths, and their table, not in the order of names."""
    root = tmp_path_factory.mktemp("videos")
    sizes = {"b.mp4": (9, 48, 64), "c.mp4": (5, 32, 40), "a.mp4": (12, 64, 56)}
    for seed, (name, (frames, height, width)) in enumerate(sizes.items()):
        encode_video(root / name, frames=frames, height=height, width=width, seed=seed)
    table = pd.DataFrame(sizes.values(), columns=["frames", "height", "width"])
    return root, table.assign(video=list(sizes))


def test_the_store_and_the_files_give_identical_pixels(videos, tmp_path):
    root, table = videos
    calls = []
    write_frames(table, root, tmp_path / "f.npy", progress=lambda *args: calls.append(args))
    store, files = FrameStore(tmp_path / "f.npy", table), VideoFiles(root, table)
    for row in range(3):
        indices = [4, 0, 0, 3]
        clip = store.clip(row, indices)
        assert np.array_equal(clip, files.clip(row, indices))
        assert np.array_equal(clip, read_all(root / table["video"][row])[indices])
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert [path.name for path in tmp_path.iterdir()] == ["f.npy"]


def test_the_table_says_how_a_file_is_read(tmp_path):
    path = encode_barcodes(tmp_path / "v.avi", codec="mpeg4", bf="2", g="6")
    table = pd.DataFrame({"video": [path.name], "frames": 60, "height": 48, "width": 96})
    assert barcodes(VideoFiles(tmp_path, table.assign(access="sequential")).clip(0, [40])) == [40]
    with pytest.raises(DecodingError, match=r"v.avi: has no frame 40 by random access"):
        VideoFiles(tmp_path, table.assign(access="random")).clip(0, [40])


def test_the_order_of_the_rows_does_not_matter(videos, tmp_path):
    root, table = videos
    write_frames(table, root, tmp_path / "f.npy")
    turned = table.iloc[::-1]
    clip = FrameStore(tmp_path / "f.npy", turned).clip(0, [2])
    assert np.array_equal(clip, VideoFiles(root, turned).clip(0, [2]))


def test_frames_are_reduced_to_the_short_side_and_never_enlarged(videos, tmp_path):
    root, table = videos
    write_frames(table, root, tmp_path / "f.npy", short_side=36)
    store = FrameStore(tmp_path / "f.npy", table, short_side=36)
    shapes = [store.clip(row, [0, 1]).shape for row in range(3)]
    assert shapes == [(2, 36, 48, 3), (2, 32, 40, 3), (2, 41, 36, 3)]


def test_reduced_frames_are_averages_without_aliasing(tmp_path):
    path = encode_video(tmp_path / "v.mp4", frames=4, height=64, width=64)
    table = pd.DataFrame({"video": [path.name], "frames": 4, "height": 64, "width": 64})
    write_frames(table, tmp_path, tmp_path / "f.npy", short_side=8)
    clip = FrameStore(tmp_path / "f.npy", table, short_side=8).clip(0, [2]).astype(float)
    blocks = read_all(path)[[2]].reshape(1, 8, 8, 8, 8, 3).mean(axis=(2, 4))
    # A triangle of twice the block's width, not the block itself: close to, not equal to the mean.
    assert np.corrcoef(clip.ravel(), blocks.ravel())[0, 1] > 0.9
    assert abs(clip.mean() - blocks.mean()) < 4


def test_a_store_can_be_sent_to_a_worker_without_its_frames(videos, tmp_path):
    root, table = videos
    write_frames(table, root, tmp_path / "f.npy")
    store = FrameStore(tmp_path / "f.npy", table)
    sent = pickle.dumps(store)
    assert len(sent) < 5000 < (tmp_path / "f.npy").stat().st_size
    assert np.array_equal(pickle.loads(sent).clip(1, [4]), store.clip(1, [4]))


def test_a_store_of_other_videos_is_an_error(videos, tmp_path):
    root, table = videos
    write_frames(table, root, tmp_path / "f.npy")
    for other, side in ((table.head(2), None), (table, 20)):
        with pytest.raises(ValueError, match=r"f.npy holds \d+ bytes .* write the frames again"):
            FrameStore(tmp_path / "f.npy", other, short_side=side)


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("frames", 8, "b.mp4: has 9 frames, the audit found 8"),
        ("width", 32, "b.mp4: frame 0 is 64 x 48 pixels, the audit found 32 x 48"),
    ],
)
def test_a_video_that_changed_since_the_audit_is_an_error_and_leaves_nothing(
    videos, tmp_path, column, value, message
):
    root, table = videos
    changed = table.copy()
    changed.loc[0, column] = value
    with pytest.raises(ValueError, match=message):
        write_frames(changed, root, tmp_path / "f.npy")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("index", [-1, 9])
def test_a_frame_outside_the_video_is_an_error(videos, tmp_path, index):
    root, table = videos
    write_frames(table, root, tmp_path / "f.npy")
    with pytest.raises(ValueError, match="row 0 has the frames 0 to 8"):
        FrameStore(tmp_path / "f.npy", table).clip(0, [0, index])


def test_a_short_side_below_one_is_an_error(videos, tmp_path):
    root, table = videos
    with pytest.raises(ValueError, match="short_side is 0"):
        write_frames(table, root, tmp_path / "f.npy", short_side=0)

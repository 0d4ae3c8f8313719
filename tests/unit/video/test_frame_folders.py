import numpy as np
import pandas as pd
import pytest
from PIL import Image

from optplan.video.audit import audit_videos
from optplan.video.frame_folders import FPS, count_frames, iterate_frames, read_frames
from optplan.video.frames import VideoFiles
from optplan.video.prepare import prepare_videos


def smooth_frames(count=6, height=40, width=56):
    """Gradients that survive JPEG almost as they are, each frame brighter than the last."""
    ramp = np.linspace(0, 60, width, dtype=np.float32)[None, :, None]
    grey = ramp + np.array([0, 20, 40], dtype=np.float32)
    return [
        np.broadcast_to(grey + 25 * n, (height, width, 3)).astype(np.uint8) for n in range(count)
    ]


@pytest.fixture
def folder(tmp_path):
    """Frames of 56 x 40 pixels, 00001.jpg to 00006.jpg."""
    for number, frame in enumerate(smooth_frames(), start=1):
        Image.fromarray(frame).save(tmp_path / f"{number:05d}.jpg", quality=95)
    return tmp_path


def test_frames_are_those_that_were_saved_in_the_order_of_their_numbers(folder):
    frames = np.stack(list(iterate_frames(folder)))
    assert frames.dtype == np.uint8
    assert frames.shape == (6, 40, 56, 3)
    error = np.abs(frames.astype(int) - np.stack(smooth_frames()))
    assert error.max() <= 4
    assert (count_frames(folder), FPS) == (6, 12.0)


def test_frames_can_be_asked_for_in_any_order_and_twice(folder):
    everything = np.stack(list(iterate_frames(folder)))
    wanted = [5, 0, 3, 0]
    np.testing.assert_array_equal(read_frames(folder, wanted), everything[wanted])


def test_more_than_nine_frames_without_leading_zeros_are_in_order(tmp_path):
    for number in range(1, 12):
        Image.new("RGB", (8, 8), (20 * number, 0, 0)).save(tmp_path / f"{number}.JPEG")
    reds = [frame[0, 0, 0] for frame in iterate_frames(tmp_path)]
    assert reds == sorted(reds)
    assert len(reds) == 11


@pytest.mark.parametrize("mode", ["L", "CMYK"])
def test_grey_and_cmyk_frames_become_rgb(folder, mode):
    Image.new(mode, (56, 40)).save(folder / "00007.jpg")
    assert read_frames(folder, [6]).shape == (1, 40, 56, 3)


def test_other_files_are_no_frames(folder):
    for name in ("._00001.jpg", "Thumbs.db", "00001.txt", "cover.jpg"):
        (folder / name).touch()
    assert count_frames(folder) == 6


def test_numbers_may_start_at_0(folder):
    Image.new("RGB", (56, 40)).save(folder / "00000.jpg")
    assert count_frames(folder) == 7
    assert read_frames(folder, [0]).max() == 0


@pytest.mark.parametrize(("lost", "named"), [(3, "00003"), (1, "00001")])
def test_a_gap_in_the_numbers_is_named(folder, lost, named):
    (folder / f"{lost:05d}.jpg").unlink()
    for use in (
        count_frames,
        lambda path: read_frames(path, [0]),
        lambda p: next(iterate_frames(p)),
    ):
        with pytest.raises(ValueError, match=rf"has no frame {named}\.jpg, but later ones"):
            use(folder)


def test_a_number_that_is_there_twice_is_named(folder):
    (folder / "2.jpg").touch()
    with pytest.raises(ValueError, match=r"has both 00002\.jpg and 2\.jpg"):
        count_frames(folder)


@pytest.mark.parametrize("damage", [b"", b"not an image", "half"])
def test_a_frame_that_cannot_be_decoded_is_named(folder, damage):
    file = folder / "00004.jpg"
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2] if damage == "half" else damage)
    message = r"00004\.jpg: is not a JPEG, or is cut off"
    with pytest.raises(ValueError, match=message):
        list(iterate_frames(folder))
    with pytest.raises(ValueError, match=message):
        read_frames(folder, [3])
    assert read_frames(folder, [2]).shape == (1, 40, 56, 3)


def test_a_frame_of_another_size_is_named(folder):
    Image.new("RGB", (40, 56)).save(folder / "00005.jpg")
    with pytest.raises(ValueError, match=r"00005\.jpg: is 40 x 56, but 00001\.jpg is 56 x 40"):
        list(iterate_frames(folder))
    with pytest.raises(ValueError, match=r"00005\.jpg: is 40 x 56, but 00004\.jpg is 56 x 40"):
        read_frames(folder, [4, 3])


@pytest.mark.parametrize("index", [-1, 6])
def test_a_frame_that_the_folder_does_not_have_is_named(folder, index):
    with pytest.raises(ValueError, match=f"has no frame {index}, only 0 to 5"):
        read_frames(folder, [0, index])


@pytest.mark.parametrize("indices", [[], [[0]]])
def test_indices_are_a_list_of_numbers(folder, indices):
    with pytest.raises(ValueError, match="must be a non-empty list of numbers"):
        read_frames(folder, indices)


def test_a_folder_without_frames_and_one_that_is_not_there_are_named(tmp_path):
    with pytest.raises(ValueError, match="has no frames"):
        count_frames(tmp_path)
    with pytest.raises(ValueError, match="gone: No such file"):
        count_frames(tmp_path / "gone")


def test_a_folder_of_frames_is_audited_read_and_prepared_like_a_video(tmp_path):
    folder = tmp_path / "videos" / "7"
    folder.mkdir(parents=True)
    for number in range(20):
        picture = np.full((32, 48, 3), 12 * number, np.uint8)
        Image.fromarray(picture).save(folder / f"{number + 1:05d}.jpg")
    (tmp_path / "videos" / "8").mkdir()
    index = pd.DataFrame({"video": ["7", "8"], "label": "x", "group": "", "subset": ""})
    work = {"workers": 1, "timeout_seconds": 30}
    audit = audit_videos(index, tmp_path / "videos", **work)
    assert list(audit["status"]) == ["ok", "bad"]
    row = audit.iloc[0]
    assert (row["frames"], row["fps"], row["access"]) == (20, FPS, "random")
    assert "has no frames" in audit["error"][1]
    small = prepare_videos(
        audit[:1],
        tmp_path / "videos",
        tmp_path / "small",
        short_side=16,
        journal=tmp_path / "journal",
        **work,
    )
    for root, table in ((tmp_path / "videos", audit), (tmp_path / "small", small)):
        clip = VideoFiles(root, table).clip(0, [19, 3])
        assert np.abs(clip.mean(axis=(1, 2, 3)) - [228, 36]).max() < 4

import av
import numpy as np
import pytest
from encode import encode_audio, encode_video

from optplan.video.decoding import (
    DecodingError,
    iterate_frames,
    read_all,
    read_frames,
    read_header,
)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return encode_video(tmp_path_factory.mktemp("video") / "-a: b%03d.mp4", frames=20, g="6")


def test_random_access_delivers_the_sequential_frames_in_the_order_asked_for(video):
    indices = [19, 3, 3, 0, 12, 7, 6, 5]
    assert np.array_equal(read_frames(video, indices), read_all(video)[indices])


def test_frames_are_rgb_in_time_order(video):
    frames = read_all(video)
    assert frames.shape == (20, 32, 64, 3)
    assert frames.dtype == np.uint8
    with av.open(str(video)) as container:
        expected = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    # FFmpeg versions differ in how they interpolate colour.
    assert np.abs(frames.astype(int) - np.stack(expected)).mean() < 4


def test_the_header_tells_length_rate_and_key_frames(video):
    header = read_header(video)
    assert (header.frames, header.fps, header.timestamps) == (20, 10.0, True)
    assert header.key_frames == (0, 6, 12, 18)


def test_an_avi_with_reordered_frames_has_no_timestamps(tmp_path):
    path = encode_video(tmp_path / "reordered.avi", codec="mpeg4", bf="2")
    assert not read_header(path).timestamps


def test_relative_paths_with_a_colon_are_files_not_protocols(video, monkeypatch):
    monkeypatch.chdir(video.parent)
    assert read_frames(video.name, [0]).shape == (1, 32, 64, 3)


@pytest.mark.parametrize("index", [-1, 20])
def test_a_frame_that_the_file_does_not_have_is_an_error_naming_both(video, index):
    with pytest.raises(DecodingError, match=f"b%03d.mp4: has no frame {index}, only 0 to 19"):
        read_frames(video, [0, index])


@pytest.mark.parametrize("indices", [[], [[1, 2]], 3])
def test_indices_must_be_a_list_of_numbers(video, indices):
    with pytest.raises(ValueError, match="non-empty list"):
        read_frames(video, indices)


def test_widths_that_decord_takes_for_four_channels_are_an_error(tmp_path):
    path = encode_video(tmp_path / "narrow.mp4", width=48)
    for read in (read_all, lambda path: read_frames(path, [0])):
        with pytest.raises(DecodingError, match=r"narrow.mp4: is so narrow that decord cannot"):
            read(path)


def _cut(source, path):
    path.write_bytes(source.read_bytes()[: source.stat().st_size // 2])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_text("no video"), "is not a video"),
        (lambda path: path.touch(), "is empty"),
        (lambda path: path.mkdir(), "is not a video"),
        (lambda path: None, "does not exist"),
        (encode_audio, "has no video stream"),
        (lambda path: _cut(encode_video(path.with_name("whole.mp4")), path), "cut off"),
        (
            lambda path: _cut(
                encode_video(path.with_name("w.mp4"), frames=40, movflags="faststart"), path
            ),
            "cut off",
        ),
    ],
    ids=["text", "empty", "folder", "missing", "audio", "truncated", "truncated faststart"],
)
def test_a_file_that_cannot_be_decoded_is_an_error_of_one_line_with_its_name(
    tmp_path, make, reason
):
    path = tmp_path / "bad.mp4"
    make(path)
    for read in (read_all, lambda p: list(iterate_frames(p)), lambda p: read_frames(p, [0, 1])):
        with pytest.raises(DecodingError, match=rf"^{path}: .*{reason}") as caught:
            read(path)
        assert "\n" not in str(caught.value)

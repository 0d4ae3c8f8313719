import av
import numpy as np
import pytest
from encode import barcodes, encode_audio, encode_barcodes, encode_video, turn

from optplan.video.decoding import (
    DecodingError,
    iterate_frames,
    iterate_groups,
    read_all,
    read_frames,
    read_header,
)


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return encode_video(tmp_path_factory.mktemp("video") / "-a: b%03d.mp4", frames=20, g="6")


@pytest.mark.parametrize("access", ["random", "sequential"])
def test_frames_come_in_the_order_asked_for_as_often_as_asked_for(video, access):
    indices = [19, 3, 3, 0, 12, 7, 6, 5]
    assert np.array_equal(read_frames(video, indices, access), read_all(video)[indices])


def test_frames_are_rgb_in_time_order(video):
    frames = read_all(video)
    assert frames.shape == (20, 32, 64, 3)
    assert frames.dtype == np.uint8
    with av.open(str(video)) as container:
        expected = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert np.array_equal(frames, np.stack(expected))


def test_the_header_tells_length_and_rate(video):
    header = read_header(video)
    assert (header.frames, header.fps, header.rotation) == (20, 10.0, 0)


def test_groups_of_pictures_are_decoded_from_the_last_one_back(video):
    indices, frames = zip(*iterate_groups(video), strict=True)
    assert indices == (18, 19, *range(12, 18), *range(6, 12), *range(6))
    assert np.array_equal(np.stack(frames), read_all(video)[list(indices)])


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_frames_are_turned_upright_in_every_path(tmp_path, quarters):
    path = encode_barcodes(tmp_path / "v.mp4", frames=20)
    upright = read_all(path)
    turn(path, quarters)
    # A display matrix turns clockwise, numpy anticlockwise.
    expected = np.rot90(upright, -quarters, axes=(1, 2))
    assert np.array_equal(read_all(path), expected)
    for access in ("random", "sequential"):
        assert np.array_equal(read_frames(path, [13, 2], access), expected[[13, 2]])
    assert read_header(path).rotation % 360 == -90 * quarters % 360


def test_relative_paths_with_a_colon_are_files_not_protocols(video, monkeypatch):
    monkeypatch.chdir(video.parent)
    assert read_frames(video.name, [0]).shape == (1, 32, 64, 3)


@pytest.mark.parametrize("access", ["random", "sequential"])
@pytest.mark.parametrize("index", [-1, 20])
def test_a_frame_that_the_file_does_not_have_is_an_error_naming_both(video, index, access):
    with pytest.raises(DecodingError, match=rf"b%03d.mp4: has no frame {index} by {access}"):
        read_frames(video, [0, index], access)


@pytest.mark.parametrize("indices", [[], [[1, 2]], 3])
def test_indices_must_be_a_list_of_numbers(video, indices):
    with pytest.raises(ValueError, match="non-empty list"):
        read_frames(video, indices)


def test_an_unknown_access_is_an_error(video):
    with pytest.raises(ValueError, match="is 'quick'; it must be one of decord, random, seq"):
        read_frames(video, [0], "quick")


@pytest.mark.parametrize("width", [48, 72, 99])
def test_widths_that_are_no_multiple_of_the_alignment_are_read(tmp_path, width):
    path = encode_barcodes(tmp_path / "v.mp4", width=width, pix_fmt="yuv444p", frames=9)
    assert read_all(path).shape == (9, 48, width, 3)
    assert barcodes(read_frames(path, [8, 4], "random")) == [8, 4]


def test_a_change_of_the_picture_size_is_an_error_naming_both(tmp_path):
    parts = [tmp_path / "a.h264", tmp_path / "b.h264"]
    for path, width in zip(parts, (64, 80), strict=True):
        encode_video(path, width=width)
    path = tmp_path / "v.h264"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(DecodingError, match=r"v.h264: changes its picture size, 64 x 32 to 80"):
        read_all(path)


def _cut(source, path):
    path.write_bytes(source.read_bytes()[: source.stat().st_size // 2])


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.write_text("no video"), "is not a video"),
        (lambda path: path.touch(), "is empty"),
        (lambda path: path.mkdir(), "has no frames"),
        (lambda path: None, "does not exist"),
        (encode_audio, "has no video stream"),
        (lambda path: _cut(encode_video(path.with_name("whole.mp4")), path), "cut off"),
    ],
    ids=["text", "empty", "folder", "missing", "audio", "truncated"],
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

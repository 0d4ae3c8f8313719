"""In every encoding, the access that the audit chose delivers the frames that were asked for."""

import re

import numpy as np
import pytest
from encode import barcodes, copy_packets, encode_barcodes

from optplan.video.audit import inspect_video
from optplan.video.decoding import DecodingError, read_all, read_frames

B_FRAMES = {"x264-params": "bframes=3:b-pyramid=normal:keyint=12:scenecut=0"}
OPEN_GOP = {"x264-params": "open-gop=1:bframes=3:keyint=12:scenecut=0"}
HEVC = {"codec": "libx265", "x265-params": "open-gop=1:bframes=3:keyint=12:log-level=none"}
VP9 = {"codec": "libvpx-vp9", "g": "12", "auto-alt-ref": "1", "lag-in-frames": "16"}
UNEVEN = [number + number // 3 * 2 for number in range(60)]  # when the frames are shown

ENCODINGS = [
    ("h264.mp4", "random", B_FRAMES),
    ("h264.mov", "random", {"bf": "0", "g": "7"}),
    ("h264.mkv", "random", B_FRAMES),
    ("h264.flv", "random", B_FRAMES),
    ("h264.avi", "sequential", B_FRAMES),
    ("h264.ts", "sequential", B_FRAMES),
    ("h264.mpg", "sequential", B_FRAMES),
    ("h264.h264", "sequential", B_FRAMES),
    ("open.mp4", "random", OPEN_GOP),
    ("open.mkv", "random", OPEN_GOP),
    ("open.ts", "sequential", OPEN_GOP),
    ("refresh.mp4", "sequential", {"x264-params": "intra-refresh=1:keyint=12:bframes=0"}),
    ("interlaced.ts", "sequential", {"x264-params": "tff=1:keyint=12:bframes=2"}),
    ("interlaced.mp4", "random", {"x264-params": "tff=1:keyint=12:bframes=2"}),
    ("uneven.mp4", "random", B_FRAMES | {"times": UNEVEN}),
    ("uneven.mkv", "random", B_FRAMES | {"times": UNEVEN}),
    ("ten-bit.mp4", "random", B_FRAMES | {"pix_fmt": "yuv420p10le"}),
    ("full-range.mp4", "random", B_FRAMES | {"pix_fmt": "yuvj420p"}),
    ("444.mp4", "random", B_FRAMES | {"pix_fmt": "yuv444p"}),
    ("narrow.mp4", "random", B_FRAMES | {"width": 48}),
    ("odd.mp4", "random", B_FRAMES | {"width": 99, "height": 51, "pix_fmt": "yuv444p"}),
    ("hevc.mp4", "random", HEVC),
    ("hevc.ts", "sequential", HEVC),
    ("xvid.avi", "sequential", {"codec": "mpeg4", "bf": "2", "g": "12"}),
    ("xvid.mp4", "random", {"codec": "mpeg4", "bf": "2", "g": "12"}),
    ("simple.avi", "random", {"codec": "mpeg4", "g": "12"}),
    ("mpeg2.mpg", "sequential", {"codec": "mpeg2video", "bf": "2", "g": "12"}),
    ("mpeg2.ts", "sequential", {"codec": "mpeg2video", "bf": "2", "g": "12"}),
    ("vp9.webm", "random", VP9),
    ("av1.mp4", "random", {"codec": "libsvtav1", "preset": "12", "g": "12"}),
    ("mjpeg.avi", "random", {"codec": "mjpeg", "pix_fmt": "yuvj420p"}),
    ("windows.wmv", "random", {"codec": "wmv2", "g": "12"}),
    ("raw.avi", "random", {"codec": "rawvideo"}),
    ("animated.gif", "random", {"codec": "gif", "pix_fmt": "rgb8"}),
]

DECORD = {"h264.mp4", "h264.mov", "h264.mkv", "vp9.webm"}  # at least


def requests(count: int) -> list[list[int]]:
    """Each frame alone, windows that end at either end, one snippet a quarter, and a loop."""
    windows = [list(range(start, start + 16)) for start in (0, count // 3, count - 16)]
    snippets = [start + step for start in range(1, count - 4, count // 4) for step in range(4)]
    return [[index] for index in range(count)] + windows + [snippets, [count - 1, 0, 1, 0]]


def assert_right_frames(path, access: str, first: int = 0):
    row = inspect_video(path)
    assert (row["status"], row["access"]) == ("ok", access), row
    assert barcodes(read_all(path)) == list(range(first, first + row["frames"]))
    for request in requests(row["frames"]):
        found = barcodes(read_frames(path, request, access))
        assert found == [first + index for index in request]


@pytest.mark.parametrize(("name", "access", "options"), ENCODINGS, ids=[e[0] for e in ENCODINGS])
def test_every_frame_is_the_one_that_was_asked_for(tmp_path, name, access, options):
    path = encode_barcodes(tmp_path / name, **options)
    assert_right_frames(path, access)
    assert inspect_video(path)["frames"] == 60


@pytest.mark.parametrize(("name", "access", "options"), ENCODINGS, ids=[e[0] for e in ENCODINGS])
def test_decord_reads_only_what_it_reads_as_it_is(tmp_path, name, access, options):
    path = encode_barcodes(tmp_path / name, **options)
    row = inspect_video(path, decoder="decord")
    assert row["access"] in ("decord", access)
    assert (row["access"] == "decord") >= (name in DECORD)
    frames = read_all(path)
    for request in requests(60)[::7]:
        assert np.array_equal(read_frames(path, request, row["access"]), frames[request])


def test_what_decord_cannot_read_is_an_error_of_one_line(tmp_path):
    (tmp_path / "v.mp4").write_text("no video")
    with pytest.raises(DecodingError, match=r"v\.mp4: decord cannot read it: .*") as caught:
        read_frames(tmp_path / "v.mp4", [0], "decord")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("options", [B_FRAMES, OPEN_GOP], ids=["closed", "open"])
def test_a_copy_from_the_middle_starts_with_the_frame_that_it_shows_first(tmp_path, options):
    whole = encode_barcodes(tmp_path / "whole.mp4", **options)
    assert_right_frames(copy_packets(whole, tmp_path / "copy.mp4", start=2.7), "random", first=27)


def test_a_picture_that_depends_on_the_start_of_the_file_is_not_read_at_random(tmp_path):
    # Decoders undo an error of old x264 in 4:4:4, whose version only the first frame tells.
    path = encode_barcodes(tmp_path / "v.mp4", pix_fmt="yuv444p", **B_FRAMES)
    path.write_bytes(re.sub(rb"x264 - core \d{3}", b"x264 - core 148", path.read_bytes()))
    row = inspect_video(path)
    assert (row["status"], row["frames"], row["access"]) == ("ok", 60, "sequential")
    frames = read_all(path)
    assert np.array_equal(read_frames(path, [50, 20], row["access"]), frames[[50, 20]])
    assert not np.array_equal(read_frames(path, [50, 20], "random"), frames[[50, 20]])

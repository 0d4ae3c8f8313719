"""Video files to frames. The one module that opens them, always with FFmpeg (PyAV).

The frames of a video are those that decoding from its start delivers, numbered as they come, turned
upright where the file says so, as 8-bit RGB. Everything else here is a quicker way to some of them,
and the audit (audit.py) finds out for every file whether that way leads to the same frames.

Every call opens the file anew and decodes with one thread: nothing is shared between processes,
nothing grows, and the same bytes come out each time.
"""

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from optplan.video import frame_folders

av.logging.set_level(av.logging.PANIC)

ACCESSES = ("decord", "random", "sequential")

# Codecs whose pictures that nothing refers to can be left out without a change to the others.
_SKIPPABLE = {"h264", "mpeg4"}


class DecodingError(ValueError):
    """A video file that cannot be decoded as asked; the message names the file and the reason."""


class _NoTimetable(Exception):
    """A file whose packets do not say when each frame is shown."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself, which need not be so; 0 where it says nothing.

    `frames` are those that its index lists, in many containers only some or none. `rotation` is in
    degrees, anticlockwise; frames are turned by it where it is a multiple of 90.
    """

    frames: int
    fps: float
    rotation: int


@dataclass(frozen=True, slots=True)
class _Timetable:
    """When each frame is shown, and where decoding can start, in units of the stream; ascending."""

    frames: list[int]
    keys: list[int]

    def groups(self, indices: Sequence[int]) -> dict[int, dict[int, int]]:
        """{time of a key frame: {time of a wanted frame that is decoded from it: its index}}."""
        groups: dict[int, dict[int, int]] = {}
        for index in indices:
            time = self.frames[index]
            position = bisect_right(self.keys, time)
            if position == 0:
                raise _NoTimetable
            groups.setdefault(self.keys[position - 1], {})[time] = index
        return groups


def read_header(path: str | Path) -> Header:
    """Read what `path` says of itself; decodes nothing but the first frame."""
    if Path(path).is_dir():
        with _folder_errors():
            return Header(frame_folders.count_frames(path), frame_folders.FPS, 0)
    with _open(path) as (container, stream):
        frame = next(container.decode(stream), None)
        if frame is None:
            raise DecodingError(f"{path}: has no frames")
        listed = sum(entry.size > 0 and not entry.is_discard for entry in stream.index_entries)
        return Header(
            listed, float(stream.average_rate or stream.guessed_rate or 0), frame.rotation
        )


def read_frames(
    path: str | Path, indices: Sequence[int] | np.ndarray, access: str = "sequential"
) -> np.ndarray:
    """Decode the frames at `indices`, in any order and with repetitions.

    `access` is what the audit found: "random" decodes each frame from the key frame before it,
    "sequential" from the start of the file, which is always right. Neither keeps or converts a
    frame that is not wanted. "decord" leaves all of it to that library. Returns uint8 RGB of shape
    (L, H, W, 3). Raises DecodingError, also for an index that the file does not have.
    """
    if access not in ACCESSES:
        raise ValueError(f"access to {path} is {access!r}; it must be one of {', '.join(ACCESSES)}")
    indices = np.asarray(indices, dtype=np.int64)
    if indices.ndim != 1 or indices.size == 0:
        raise ValueError(
            f"indices for {path} must be a non-empty list of numbers, got shape {indices.shape}"
        )
    if access == "decord":
        from optplan.video import decord_frames  # brings an FFmpeg of its own along

        try:
            return decord_frames.read_frames(path, indices)
        except ValueError as error:
            raise DecodingError(str(error)) from error
    wanted = np.unique(indices).tolist()
    if wanted[0] < 0:
        raise DecodingError(f"{path}: has no frame {wanted[0]} by {access} access")
    read = _by_key_frames if access == "random" else _in_order
    clip: np.ndarray | None = None
    missing = set(wanted)
    for index, frame in read(path, wanted):
        if clip is None:
            clip = np.empty((len(indices), *frame.shape), np.uint8)
        clip[indices == index] = frame
        missing.discard(index)
    if clip is None or missing:
        raise DecodingError(f"{path}: has no frame {min(missing)} by {access} access")
    return clip


def iterate_frames(path: str | Path) -> Iterator[np.ndarray]:
    """Decode from the first frame to the last, one uint8 RGB array (H, W, 3) at a time."""
    for _, frame in _in_order(path, None):
        yield frame


def iterate_groups(path: str | Path) -> Iterator[tuple[int, np.ndarray]]:
    """Every frame as random access delivers it, with its index, from the last key frame on back.

    Backwards, because a decoder that has seen the start of the file may know what one that starts
    in the middle does not. Raises DecodingError where there is no random access at all.
    """
    yield from _by_key_frames(path, None)


def read_all(path: str | Path) -> np.ndarray:
    """Decode the whole video sequentially: uint8 RGB of shape (T, H, W, 3)."""
    frames = list(iterate_frames(path))
    if not frames:
        raise DecodingError(f"{path}: has no frames")
    return np.stack(frames)


def _in_order(path: str | Path, wanted: list[int] | None) -> Iterator[tuple[int, np.ndarray]]:
    """(index, picture) of the frames `wanted` (ascending; None for all), from the start on."""
    if Path(path).is_dir():
        yield from _from_folder(path, wanted)
        return
    chosen = None if wanted is None else set(wanted)
    with _open(path) as (container, stream):
        picture = _Pictures(path)
        for index, frame in enumerate(container.decode(stream)):
            if chosen is None or index in chosen:
                yield index, picture(frame)
            if wanted is not None and index == wanted[-1]:
                return


def _by_key_frames(path: str | Path, wanted: list[int] | None) -> Iterator[tuple[int, np.ndarray]]:
    """(index, picture) of the frames `wanted` (None for all, backwards), each group by itself."""
    if Path(path).is_dir():
        yield from _from_folder(path, wanted)
        return
    with _open(path) as (container, stream):
        try:
            times = _timetable(container, stream)
            if wanted is not None and wanted[-1] >= len(times.frames):
                raise DecodingError(f"{path}: has no frame {wanted[-1]} by random access")
            groups = times.groups(range(len(times.frames)) if wanted is None else wanted)
        except _NoTimetable:
            raise DecodingError(f"{path}: does not say when its frames are shown") from None
        picture = _Pictures(path)
        for key, group in reversed(groups.items()) if wanted is None else groups.items():
            for time, frame in _decode_group(container, stream, key, set(group)):
                yield group[time], picture(frame)


def _from_folder(path: str | Path, wanted: list[int] | None) -> Iterator[tuple[int, np.ndarray]]:
    """(index, picture) of the frames `wanted` (None for all) of a folder of frames."""
    with _folder_errors():
        if wanted is None:
            yield from enumerate(frame_folders.iterate_frames(path))
        else:
            yield from zip(wanted, frame_folders.read_frames(path, wanted), strict=True)


@contextmanager
def _folder_errors() -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise DecodingError(str(error)) from error


def _timetable(container, stream) -> _Timetable:
    """From the file's own index if it stores frames in the order shown, else from all its packets.

    It may be wrong, as files may lie; the audit compares it with the frames themselves.
    """
    entries = stream.index_entries
    if len(entries) == stream.frames > 0 and entries[0].timestamp == stream.start_time:
        # Reading the packets of a long file for each clip would cost more than decoding it.
        times = [(entry.timestamp, entry.is_keyframe, entry.is_discard) for entry in entries]
    else:
        times = [
            (packet.pts, packet.is_keyframe, packet.is_discard)
            for packet in container.demux(stream)
            if packet.size
        ]
    if any(time is None for time, _, _ in times):
        raise _NoTimetable
    frames = sorted({time for time, _, discarded in times if not discarded})
    return _Timetable(frames, sorted(time for time, key, _ in times if key))


def _decode_group(
    container, stream, key: int, wanted: set[int]
) -> Iterator[tuple[int, av.VideoFrame]]:
    """Decode from the key frame shown at `key` until the frames shown at `wanted` are there."""
    for skip in (True, False):
        # A decoder that was not told how much is reordered may lose frames when some are skipped.
        for time, frame in _decode_from(container, stream, key, wanted, skip=skip):
            wanted.discard(time)
            yield time, frame
        if not wanted:
            return


def _decode_from(
    container, stream, key: int, wanted: set[int], *, skip: bool
) -> Iterator[tuple[int, av.VideoFrame]]:
    container.seek(key, stream=stream)
    context = stream.codec_context
    skip = skip and context.name in _SKIPPABLE
    started = False
    for packet in container.demux(stream):
        started = started or (packet.pts == key and packet.is_keyframe)
        if not started:
            continue
        needed = packet.size == 0 or packet.pts in wanted
        context.skip_frame = "DEFAULT" if needed or not skip else "NONREF"
        for frame in packet.decode():
            if frame.pts in wanted:
                yield frame.pts, frame
        if not wanted:
            return


class _Pictures:
    """Decoded frames of one file to upright RGB arrays (H, W, 3), all of one size."""

    def __init__(self, path: str | Path):
        self._path = path
        self._size: tuple[int, int] | None = None
        self._reformatter = VideoReformatter()

    def __call__(self, frame: av.VideoFrame) -> np.ndarray:
        size = (frame.width, frame.height)
        if self._size is not None and self._size != size:
            before, after = ("{} x {}".format(*pair) for pair in (self._size, size))
            raise DecodingError(f"{self._path}: changes its picture size, {before} to {after}")
        self._size = size
        # One thread: frames are small, and waiting for a second one costs more than it saves.
        rgb = self._reformatter.reformat(
            frame, format="rgb24", src_color_range=frame.color_range, threads=1
        )
        picture = rgb.to_ndarray()
        turns, odd = divmod(frame.rotation, 90)
        return np.ascontiguousarray(picture if odd else np.rot90(picture, turns))


@contextmanager
def _open(path: str | Path) -> Iterator[tuple]:
    """The open container and its video stream; all that goes wrong inside is a DecodingError."""
    # Absolute, because FFmpeg takes "a:b.mp4" for a protocol.
    absolute = Path(path).absolute()
    if not absolute.exists():
        raise DecodingError(f"{path}: does not exist")
    if absolute.is_file() and absolute.stat().st_size == 0:
        raise DecodingError(f"{path}: is empty")
    try:
        # The protocol is named, because of names like "concat:..." and "%03d.mp4".
        with av.open(f"file:{absolute}") as container:
            stream = container.streams.best("video")
            if not isinstance(stream, av.VideoStream):
                raise DecodingError(f"{path}: has no video stream")
            stream.thread_count = 1
            yield container, stream
    except av.FFmpegError as error:
        raise DecodingError(f"{path}: {_reason(error)}") from error


def _reason(error: av.FFmpegError) -> str:
    """What an error of FFmpeg means to the person who has to repair the file."""
    if isinstance(error, IsADirectoryError):
        return "is not a video, or is cut off"
    if "avcodec" in str(error.log or "") or "packet" in str(error):
        return "has damaged frames"
    return "is not a video, or is cut off"

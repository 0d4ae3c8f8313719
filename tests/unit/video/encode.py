"""Small real video files for the tests, encoded on the spot."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

BLOCK, BITS = 8, 10  # a barcode: ten blocks of 8 x 8 pixels, black or white


def encode_video(
    path: Path,
    *,
    frames: int = 12,
    height: int = 32,
    width: int = 64,
    codec: str = "libx264",
    seed: int | list[int] = 0,
    **options: str,
) -> Path:
    """Write `frames` distinct frames at 10 fps: coarse noise that drifts, and a counter."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    image = coarse.repeat(8, axis=0).repeat(8, axis=1)
    images = (np.roll(image, 2 * number, axis=1) for number in range(frames))
    return _write(path, map(_counted, images, range(frames)), codec=codec, options=options)


def encode_barcodes(
    path: Path,
    *,
    frames: int = 60,
    height: int = 48,
    width: int = 96,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    times: list[int] | None = None,
    **options: str,
) -> Path:
    """Write frames that show their number, which `barcodes` reads, over drifting noise.

    `times` are those at which the frames are shown, in tenths of a second; None is one each.
    """
    rng = np.random.default_rng(0)
    noise = rng.integers(64, 192, (height, width + 4 * frames, 3), dtype=np.uint8)
    noise = np.sort(noise, axis=1)[:, rng.permutation(width + 4 * frames)]
    pictures = (_barcode(noise[:, 4 * i : 4 * i + width].copy(), i) for i in range(frames))
    return _write(path, pictures, codec=codec, pix_fmt=pix_fmt, times=times, options=options)


def barcodes(frames: np.ndarray) -> list[int]:
    """The numbers that frames (L, H, W, 3) written by `encode_barcodes` show."""
    rows = frames[:, 2 : BLOCK - 2].astype(float).mean(axis=(1, 3))
    blocks = rows[:, : BLOCK * 6].reshape(len(frames), 6, BLOCK)[..., 2:-2].mean(axis=2)
    lower = frames[:, BLOCK + 2 : 2 * BLOCK - 2].astype(float).mean(axis=(1, 3))
    lower = lower[:, : BLOCK * 4].reshape(len(frames), 4, BLOCK)[..., 2:-2].mean(axis=2)
    bits = np.concatenate([blocks, lower], axis=1) > 128
    return (bits @ (1 << np.arange(BITS))).tolist()


def copy_packets(source: Path, path: Path, *, start: float = 0, **options: str) -> Path:
    """Copy a video without decoding it, from the time `start` in seconds, as `-c copy` does."""
    with av.open(str(source)) as read, av.open(str(path), "w", options=options) as write:
        stream = read.streams.video[0]
        copy = write.add_stream_from_template(stream)
        read.seek(int(start / stream.time_base), stream=stream)
        for packet in read.demux(stream):
            if packet.size:
                for time in ("pts", "dts"):
                    setattr(packet, time, getattr(packet, time) - int(start / stream.time_base))
                packet.stream = copy
                write.mux(packet)
    return path


def turn(path: Path, quarters: int) -> Path:
    """Rewrite the display matrix of an mp4: to be turned clockwise by quarters of a circle."""
    cos, sin = [(1, 0), (0, 1), (-1, 0), (0, -1)][quarters % 4]
    values = [cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30]
    data = bytearray(path.read_bytes())
    header = data.index(b"tkhd") + 4
    matrix = header + (52 if data[header] else 40)
    data[matrix : matrix + 36] = b"".join(v.to_bytes(4, "big", signed=True) for v in values)
    path.write_bytes(data)
    return path


def encode_audio(path: Path) -> Path:
    """Write a tenth of a second of silence and no video stream."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        silence = av.AudioFrame.from_ndarray(
            np.zeros((1, 1600), np.float32), format="fltp", layout="mono"
        )
        silence.sample_rate = 16000
        container.mux(stream.encode(silence))
        container.mux(stream.encode())
    return path


def _write(path, pictures, *, codec, options, pix_fmt="yuv420p", times=None) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options=options)
        for number, picture in enumerate(pictures):
            if number == 0:
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = pix_fmt
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts = times[number] if times else number
            frame.time_base = Fraction(1, 10)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def _counted(image: np.ndarray, number: int) -> np.ndarray:
    image[:8, :8] = (number * 16) % 256
    return image


def _barcode(image: np.ndarray, number: int) -> np.ndarray:
    for bit in range(BITS):
        row, column = divmod(bit, 6)
        colour = 255 * (number >> bit & 1)
        image[row * BLOCK : (row + 1) * BLOCK, column * BLOCK : (column + 1) * BLOCK] = colour
    return image

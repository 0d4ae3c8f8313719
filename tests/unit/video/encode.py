"""Small real video files for the tests, encoded on the spot."""

from pathlib import Path

import av
import numpy as np


def encode_video(
    path: Path,
    *,
    frames: int = 12,
    height: int = 32,
    width: int = 64,
    codec: str = "libx264",
    seed: int = 0,
    **options: str,
) -> Path:
    """Write `frames` distinct frames at 10 fps: coarse noise that drifts, and a counter."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    image = coarse.repeat(8, axis=0).repeat(8, axis=1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10, options=options)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(frames):
            frame = np.roll(image, 2 * number, axis=1)
            frame[:8, :8] = (number * 16) % 256
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())
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

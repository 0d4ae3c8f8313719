"""The two labelled video sets of the default run, rendered and encoded here.

Their right answer is known, which makes them a test of planning itself:

* `motion`: a sprite crosses the picture fast and diagonally, wrapping around, and the class is its
  direction. Only neighbouring frames show it: between the distant frames of uniform sampling it may
  have moved anywhere.
* `order`: a sprite jumps twice, once near each end of the video, and the class is which jump came
  first. No consecutive window of the longest clip sees both jumps; uniform sampling sees the whole
  video.

Textured backgrounds, slowly drifting distractors, noise, and videos of varied size, length and
frame rate keep both from being trivial. Everything follows from one seed.
"""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np

CLASSES = {
    "motion": {
        "down-left": (1, -1),
        "down-right": (1, 1),
        "up-left": (-1, -1),
        "up-right": (-1, 1),
    },
    "order": {
        "down-right": ((1, 0), (0, 1)),
        "left-up": ((0, -1), (-1, 0)),
        "right-down": ((0, 1), (1, 0)),
        "up-left": ((-1, 0), (0, -1)),
    },
}
FRAME_RATES = (12, 15, 24, 25, 30)


def write_set(name: str, root: Path, *, seed: int, train_per_class: int, test_per_class: int):
    """Write `root/{train,test}/<class>/<number>.mp4`, H.264 with a closed GOP of 12 frames.

    Raises:
        ValueError: if there is no embedded set of that name.
    """
    if name not in CLASSES:
        raise ValueError(f"data.name: {name!r} is not an embedded set; choose from {[*CLASSES]}")
    for subset, count in (("train", train_per_class), ("test", test_per_class)):
        for label in CLASSES[name]:
            folder = Path(root, subset, label)
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(count):
                key = f"{name}/{subset}/{label}/{number}".encode()
                rng = np.random.default_rng([seed, *key])
                frames, rate = render(name, label, rng)
                encode(folder / f"{number:03d}.mp4", frames, rate)


def render(name: str, label: str, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """One video as frames (T, H, W, 3) uint8 and its frame rate in frames per second."""
    height, width = 2 * rng.integers(21, 28), 2 * rng.integers(25, 35)
    num_frames = int(rng.integers(56, 81))
    background = _texture(height, width, rng)
    if name == "motion":
        track = _crossing(CLASSES[name][label], num_frames, height, width, rng)
    else:
        track = _two_jumps(CLASSES[name][label], num_frames, height, width, rng)
    distractors = [_drift(num_frames, height, width, rng) for _ in range(2)]
    sprites = [(_sprite(rng, bright=False), path) for path in distractors]
    sprites.append((_sprite(rng, bright=True), track))
    frames = np.repeat(background[None], num_frames, axis=0)
    for sprite, path in sprites:
        for frame, (top, left) in zip(frames, path, strict=True):
            _paste(frame, sprite, top, left)
    frames += rng.normal(0, 10, frames.shape).astype(np.float32)
    return frames.clip(0, 255).astype(np.uint8), int(rng.choice(FRAME_RATES))


def encode(path: Path, frames: np.ndarray, rate: int, *, gop: int = 12):
    """Write frames (T, H, W, 3) uint8 as H.264 in mp4, single-threaded so that bytes repeat."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(rate))
        stream.height, stream.width = frames.shape[1:3]
        stream.pix_fmt = "yuv420p"
        stream.thread_count = 1
        stream.options = {
            "crf": "20",
            "preset": "veryfast",
            "g": str(gop),
            "threads": "1",
            # Without it, x264's choice of bits differs from one run to the next.
            "x264-params": "cpu-independent=1",
        }
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def _texture(height: int, width: int, rng) -> np.ndarray:
    """A smooth random background (H, W, 3) float32: coarse noise, linearly enlarged."""
    coarse = rng.uniform(40, 150, (5, 6, 3)).astype(np.float32)
    rows = np.linspace(0, 4, height)
    columns = np.linspace(0, 5, width)
    top, left = np.minimum(rows.astype(int), 3), np.minimum(columns.astype(int), 4)
    down, right = (rows - top)[:, None, None], (columns - left)[None, :, None]
    upper = coarse[top][:, left] * (1 - right) + coarse[top][:, left + 1] * right
    lower = coarse[top + 1][:, left] * (1 - right) + coarse[top + 1][:, left + 1] * right
    return (upper * (1 - down) + lower * down).astype(np.float32)


def _sprite(rng, *, bright: bool) -> tuple[np.ndarray, np.ndarray]:
    """A mask (side, side) and a colour (3,): a square, a disc or a cross of 7 to 9 pixels."""
    side = int(rng.integers(7, 10))
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    shapes = (
        np.ones((side, side), bool),
        y**2 + x**2 <= (side / 2) ** 2,
        (abs(y) <= side / 5) | (abs(x) <= side / 5),
    )
    colour = rng.uniform(180, 255, 3) if bright else rng.uniform(60, 170, 3)
    return shapes[rng.integers(3)], colour.astype(np.float32)


def _paste(frame: np.ndarray, sprite: tuple[np.ndarray, np.ndarray], top: float, left: float):
    """Draw a sprite onto a frame in place, wrapping around its edges."""
    mask, colour = sprite
    height, width = frame.shape[:2]
    rows = (round(top) + np.arange(mask.shape[0])) % height
    columns = (round(left) + np.arange(mask.shape[1])) % width
    region = frame[np.ix_(rows, columns)]
    frame[np.ix_(rows, columns)] = np.where(mask[..., None], colour, region)


def _crossing(direction, num_frames: int, height: int, width: int, rng) -> np.ndarray:
    """A track (T, 2) at a constant 3 to 7 pixels a frame along each axis, with a small wobble."""
    start = rng.uniform((0, 0), (height, width))
    steps = np.arange(num_frames)[:, None] * rng.uniform(3, 7, 2) * np.array(direction)
    return start + steps + rng.normal(0, 0.5, (num_frames, 2))


def _two_jumps(directions, num_frames: int, height: int, width: int, rng) -> np.ndarray:
    """A track (T, 2) at rest but for one jump near each end of the video.

    The place between the jumps has one distribution for all classes, so that no window from the
    middle of the video tells the class, and leaves room for every jump.
    """
    first, second = np.array(directions) * rng.uniform(11, 14, (2, 1))
    between = rng.uniform((14, 14), (height - 23, width - 23))
    times = rng.integers(4, 9), num_frames - rng.integers(4, 9)
    track = np.tile(between, (num_frames, 1))
    track[: times[0]] -= first
    track[times[1] :] += second
    return track + np.cumsum(rng.normal(0, 0.15, (num_frames, 2)), axis=0)


def _drift(num_frames: int, height: int, width: int, rng) -> np.ndarray:
    """A slow random walk (T, 2): a distractor that never jumps."""
    start = rng.uniform((0, 0), (height, width))
    velocity = rng.uniform(-0.4, 0.4, 2)
    wobble = np.cumsum(rng.normal(0, 0.2, (num_frames, 2)), axis=0)
    return start + np.arange(num_frames)[:, None] * velocity + wobble

"""The two labelled video sets of the default run, rendered and encoded here.

Their right answer is known, which makes them a test of planning itself:

* `motion`: a dozen sprites move diagonally for a few frames and then start anew somewhere else; the
  class is the direction that they prefer. Only neighbouring frames show it: between the evenly
  spread frames of a uniform clip every sprite has started anew.
* `order`: lamps light up three times, once in each of three colours, and the class is the order of
  the colours. A window of 16 consecutive frames sees at most one of these times, and not how near
  it is to an end of the video; uniform sampling sees the whole video.

Not all sprites and lamps follow the class, and in some videos hardly any does: the others move in
random directions or light up at random times, and look the same. With textured backgrounds,
noise, and videos of varied size, length and frame rate, neither set can be recognised without
error. Longer clips see more of the evidence. Everything follows from one seed.
"""

from fractions import Fraction
from itertools import permutations
from pathlib import Path

import av
import numpy as np

CLASSES: dict[str, dict[str, tuple]] = {
    "motion": {
        "down-left": (1, -1),
        "down-right": (1, 1),
        "up-left": (-1, -1),
        "up-right": (-1, 1),
    },
    "order": {"-".join(order): order for order in permutations(("blue", "green", "red"))},
}
COLOURS = {"blue": (60, 60, 230), "green": (60, 230, 60), "red": (230, 60, 60)}
NUM_FRAMES = range(76, 93)
LIFE = 4  # frames; 16 uniform frames of the shortest video are no closer
MARGIN = 15  # frames; with one more, the longest window of the default study
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
    height, width = 2 * int(rng.integers(21, 28)), 2 * int(rng.integers(25, 35))
    num_frames = int(rng.choice(NUM_FRAMES))
    frames = np.repeat(_texture(height, width, rng)[None], num_frames, axis=0)
    draw = _draw_motion if name == "motion" else _draw_order
    draw(frames, CLASSES[name][label], rng)
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


def _draw_motion(frames: np.ndarray, direction: tuple[int, int], rng):
    """Sprites that take the class's direction with a probability that is the video's own."""
    share = rng.uniform(0, 0.9)
    for _ in range(12):
        track = _short_lives(frames.shape[:3], direction, share, rng)
        _paste(frames, _mask(rng, 5, 8), track, rng.uniform(180, 255, 3))


def _short_lives(shape: tuple[int, int, int], direction, share: float, rng) -> np.ndarray:
    """A track (T, 2) that starts anew at a random place every `LIFE` frames.

    Each life is a straight line of 3 to 5 pixels a frame: in the class's direction with
    probability `share`, else in a random one.
    """
    num_frames, height, width = shape
    life, age = np.divmod(np.arange(num_frames) + rng.integers(LIFE), LIFE)
    lives = life[-1] + 1
    start = rng.uniform((0, 0), (height, width), (lives, 2))
    angle = np.where(
        rng.random(lives) < share, np.arctan2(*direction), rng.uniform(0, 2 * np.pi, lives)
    )
    step = np.stack([np.sin(angle), np.cos(angle)], 1) * rng.uniform(3, 5, (lives, 1))
    return start[life] + age[:, None] * step[life]


def _draw_order(frames: np.ndarray, order: tuple[str, str, str], rng):
    """Lamps that light up at each of the three times with a probability that is the video's own.

    Now and then a lamp also lights up in any colour at any time.
    """
    num_frames, *size, _ = frames.shape
    times = _three_times(num_frames, rng)
    share = rng.uniform(0, 0.9)
    for _ in range(16):
        lit = [(name, *time) for name, time in zip(order, times, strict=True)]
        lit = [event for event in lit if rng.random() < share]
        for _ in range(rng.poisson(1)):
            # From before the first frame on, or the start of a video would be darker than the rest.
            start = int(rng.integers(-8, num_frames))
            lit.append((rng.choice([*COLOURS]), max(start, 0), max(start + rng.integers(2, 9), 0)))
        off, strength = rng.uniform(60, 170, 3), rng.uniform(0.7, 1)
        colour = np.tile(off, (num_frames, 1))
        for name, start, end in lit:
            colour[start:end] = strength * np.array(COLOURS[name]) + (1 - strength) * off
        place = np.tile(rng.uniform((0, 0), size), (num_frames, 1))
        _paste(frames, _mask(rng, 7, 10), place, colour)


def _three_times(num_frames: int, rng) -> list[tuple[int, int]]:
    """Start and end of three times of 5 frames or more, `MARGIN` apart and from both ends.

    Their lengths have one distribution, so that none of them looks like the first or the last.
    """
    room = num_frames - 4 * MARGIN
    lengths = rng.integers(5, room // 3 + 1, 3)
    delays = np.sort(rng.integers(0, room - lengths.sum() + 1, 3))
    ends = delays + np.cumsum(MARGIN + lengths)
    return list(zip((ends - lengths).tolist(), ends.tolist(), strict=True))


def _mask(rng, low: int, high: int) -> np.ndarray:
    """A sprite's pixels (side, side): a square, a disc or a cross of `low` to `high` pixels."""
    side = int(rng.integers(low, high + 1))
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    shapes = (
        np.ones((side, side), bool),
        y**2 + x**2 <= (side / 2) ** 2,
        (abs(y) <= side / 5) | (abs(x) <= side / 5),
    )
    return shapes[rng.integers(3)]


def _paste(frames: np.ndarray, mask: np.ndarray, track: np.ndarray, colour: np.ndarray):
    """Draw a sprite in place at `track` (T, 2), in one colour (3,) or that of each frame (T, 3).

    It wraps around the edges.
    """
    height, width = frames.shape[1:3]
    pixels = np.rint(track).astype(int)[:, None] + np.argwhere(mask)
    rows, columns = pixels[..., 0] % height, pixels[..., 1] % width
    frames[np.arange(len(frames))[:, None], rows, columns] = np.atleast_2d(colour)[:, None]

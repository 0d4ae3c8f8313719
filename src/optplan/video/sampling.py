"""Which frames of a video make a clip: consecutive and uniform sampling (Sec. 3.1, 5.1, 5.2).

Everything here is a pure function of the number of frames, the clip's specification and, while
training, a random generator; no file is opened.

A video shorter than the window is *looped*: frame indices wrap around to its start. A looped clip
keeps the video's own motion, where repeating the last frame would show a still.
"""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipSpec:
    """How one clip is cut from a video.

    Args:
        sampling: "cs" takes one window of consecutive frames, "us" takes short snippets spread
            uniformly over the whole video.
        length: frames in the clip (T of the network's input).
        stride: distance between the frames of a consecutive window.
        snippet: consecutive frames taken from each of the `length / snippet` equal segments of
            uniform sampling; 1 means one frame a segment.

    Raises:
        ValueError: for an unknown sampling, non-positive numbers, or a length that the snippet does
            not divide.
    """

    sampling: str
    length: int
    stride: int = 1
    snippet: int = 1

    def __post_init__(self):
        if self.sampling not in ("cs", "us"):
            raise ValueError(f"sampling {self.sampling!r} is neither 'cs' nor 'us'")
        for name in ("length", "stride", "snippet"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.sampling == "us" and self.length % self.snippet:
            raise ValueError(
                f"a uniform clip of {self.length} frames cannot be cut into snippets of "
                f"{self.snippet}: the clip length must be a multiple of the snippet"
            )


def training_indices(num_frames: int, spec: ClipSpec, rng: np.random.Generator) -> np.ndarray:
    """Frame indices (T,) of a random training clip: a random window, or random snippets."""
    if spec.sampling == "cs":
        start = int(rng.integers(0, _last_start(num_frames, spec) + 1))
        return _window(num_frames, spec, start)
    return _snippets(num_frames, spec, rng.random(spec.length // spec.snippet))


def view_indices(num_frames: int, spec: ClipSpec, *, num_clips: int) -> np.ndarray:
    """Frame indices (num_clips, T) spread uniformly over the video (strategy 2, final evaluation).

    One clip is the centric one, which planning evaluates (strategy 1).

    Consecutive windows start at the centres of `num_clips` equal parts of the possible starts;
    uniform clips each span the whole video and differ in where their snippets start in a segment.
    """
    return _clips(num_frames, spec, (np.arange(num_clips) + 0.5) / num_clips)


def first_indices(num_frames: int, spec: ClipSpec) -> np.ndarray:
    """Frame indices (1, T) of the first clip: a window from frame 0, or first snippets of segments.

    The released code evaluates this one while planning.
    """
    return _clips(num_frames, spec, np.zeros(1))


def _clips(num_frames: int, spec: ClipSpec, fractions: np.ndarray) -> np.ndarray:
    """One clip for each fraction of the starts that it, or each of its snippets, allows."""
    if spec.sampling == "cs":
        starts = np.floor(fractions * (_last_start(num_frames, spec) + 1)).astype(int)
        return np.stack([_window(num_frames, spec, start) for start in starts])
    segments = spec.length // spec.snippet
    return np.stack([_snippets(num_frames, spec, np.full(segments, f)) for f in fractions])


def _last_start(num_frames: int, spec: ClipSpec) -> int:
    if num_frames < 1:
        raise ValueError(f"a video needs at least one frame, not {num_frames}")
    return max(num_frames - ((spec.length - 1) * spec.stride + 1), 0)


def _window(num_frames: int, spec: ClipSpec, start: int) -> np.ndarray:
    return (start + np.arange(spec.length) * spec.stride) % num_frames


def _snippets(num_frames: int, spec: ClipSpec, fractions: np.ndarray) -> np.ndarray:
    """One snippet a segment, starting at the given fraction of the starts the segment allows."""
    if num_frames < 1:
        raise ValueError(f"a video needs at least one frame, not {num_frames}")
    segments = len(fractions)
    edges = np.arange(segments + 1) * num_frames / segments
    first = np.ceil(edges[:-1]).astype(int)
    # A segment shorter than the snippet has one start, and its snippet runs into the next segment.
    starts = np.maximum(np.ceil(edges[1:]).astype(int) - spec.snippet - first + 1, 1)
    begin = np.minimum(first, num_frames - 1) + np.floor(fractions * starts).astype(int)
    return ((begin[:, None] + np.arange(spec.snippet)) % num_frames).ravel()

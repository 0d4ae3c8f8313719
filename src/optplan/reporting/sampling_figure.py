"""Which frames `cs` and `us` take from a video: the picture of docs/sampling.md."""

from pathlib import Path

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from optplan.reporting.style import BLACK, BLUE, GREY, PAGE, QUIET, RED, STYLE, save
from optplan.reporting.tables import SAMPLING_NAMES
from optplan.video.sampling import ClipSpec, training_indices, view_indices

VIDEO, SHORT = 96, 10  # frames
SPECS = {
    "cs": ClipSpec(sampling="cs", length=16),
    "us": ClipSpec(sampling="us", length=16, snippet=4),
}
TITLES = {
    "cs": "16 frames in a row",
    "us": "4 snippets of 4 frames, one a quarter",
}
DRAWS, VIEWS = 5, 10
HEIGHT, GAP, BELOW_TEXT = 0.62, 1.6, 0.25  # in rows
BAND = "#E9E9E4"


def draw_sampling(path_stem: Path) -> None:
    """Training draws, the centric clip, the 10 views and a looped short video, of both samplings.

    The frames are those that `optplan.video.sampling` gives. Writes `path_stem`.pdf and .png, a
    page wide.
    """
    with rc_context(STYLE):
        figure = Figure(figsize=(PAGE, 3.7), layout="constrained")
        for axes, (name, spec) in zip(figure.subplots(1, 2), SPECS.items(), strict=True):
            title = f"{SAMPLING_NAMES[name].capitalize()} ({name}): {TITLES[name]}"
            axes.set_title(title, loc="left", weight="bold", pad=6)
            _draw_panel(axes, spec)
        save(figure, path_stem)


def _draw_panel(axes: Axes, spec: ClipSpec) -> None:
    rng = np.random.default_rng(0)
    groups = (
        (
            "training: a new draw in each epoch",
            BLUE,
            [training_indices(VIDEO, spec, rng) for _ in range(DRAWS)],
        ),
        (
            "evaluation while planning: the centric clip",
            RED,
            view_indices(VIDEO, spec, num_clips=1),
        ),
        (
            f"final evaluation: {VIEWS} clips, their scores averaged",
            BLACK,
            view_indices(VIDEO, spec, num_clips=VIEWS),
        ),
    )
    row = 0.0
    for text, colour, clips in groups:
        axes.text(0, row, text, color=QUIET, va="bottom")
        row += BELOW_TEXT
        for number, clip in enumerate(clips):
            _draw_clip(axes, clip, row + number, colour, spec)
        row += len(clips) - 1 + GAP + HEIGHT
    axes.text(VIDEO, 0, f"frames 0 to {VIDEO - 1}", color=QUIET, va="bottom", ha="right")
    row = _draw_short(axes, spec, row)
    axes.set(xlim=(-0.5, VIDEO + 0.5), ylim=(row, -1.3))
    axes.axis("off")


def _draw_clip(axes: Axes, clip: np.ndarray, row: float, colour: str, spec: ClipSpec) -> None:
    """The whole video as a band, the frames of the clip in colour; segments are set apart."""
    segments = spec.length // spec.snippet if spec.sampling == "us" else 1
    for segment in range(segments):
        first, last = (VIDEO * (segment + step) / segments for step in (0, 1))
        gap = 0.35 if segments > 1 else 0
        box = Rectangle((first + gap, row), last - first - 2 * gap, HEIGHT, fc=BAND, ec="none")
        axes.add_patch(box)
    for frame in clip:
        axes.add_patch(Rectangle((frame + 0.08, row), 0.84, HEIGHT, fc=colour, ec="none"))


def _draw_short(axes: Axes, spec: ClipSpec, row: float) -> float:
    """The frame numbers of a clip that is longer than its video; returns the lower edge."""
    clip = view_indices(SHORT, spec, num_clips=1)[0]
    axes.text(
        0, row, f"a video of {SHORT} frames, looped; grey: seen before", color=QUIET, va="bottom"
    )
    row, width = row + BELOW_TEXT, VIDEO / len(clip)
    for place, frame in enumerate(clip):
        seen = frame in clip[:place]
        box = Rectangle(
            (place * width + 0.15, row),
            width - 0.3,
            2 * HEIGHT,
            fc=BAND if seen else BLUE,
            ec=GREY if seen else "none",
            linewidth=0.5,
        )
        axes.add_patch(box)
        axes.text(
            (place + 0.5) * width,
            row + HEIGHT,
            str(frame),
            ha="center",
            va="center_baseline",
            color=BLACK if seen else "white",
        )
    return row + 2 * HEIGHT + 0.3

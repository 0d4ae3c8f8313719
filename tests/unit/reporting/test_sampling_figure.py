from pathlib import Path

import numpy as np
from matplotlib.image import imread

from optplan.reporting.sampling_figure import draw_sampling

PICTURE = Path(__file__).parents[3] / "docs" / "images" / "sampling.png"


def test_the_picture_of_the_guide_is_the_one_that_the_code_draws(tmp_path):
    draw_sampling(tmp_path / "sampling")
    drawn, shown = imread(tmp_path / "sampling.png"), imread(PICTURE)
    assert drawn.shape == shown.shape
    # Letters may be rendered a little differently elsewhere; frames may not.
    assert np.mean(abs(drawn - shown).max(axis=2) > 0.5) < 0.002
    assert (tmp_path / "sampling.pdf").read_bytes().startswith(b"%PDF")

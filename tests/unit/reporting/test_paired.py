import numpy as np
import pytest

from optplan.reporting.paired import correct, difference


def videos(right: int, of: int = 200) -> np.ndarray:
    return np.arange(of) < right


def test_a_clear_lead_is_told_from_chance_and_a_small_one_is_not():
    clear, small = difference([videos(150)], [videos(100)]), difference([videos(102)], [videos(99)])
    assert clear.mean == pytest.approx(0.25)
    assert 0 < clear.low < clear.mean < clear.high
    assert clear.p < 1e-9
    assert small.low <= 0 < small.p
    # Three videos won, none lost: McNemar's two-sided p is 2 / 2^3.
    assert small.p == pytest.approx(0.25)


def test_the_same_model_differs_in_nothing():
    none = difference([videos(100)], [videos(100)])
    assert (none.mean, none.low, none.high, none.p) == (0, 0, 0, 1)


def test_several_seeds_are_averaged_video_by_video():
    found = difference([videos(120), videos(90)], [videos(100), videos(100)])
    assert found.per_seed == pytest.approx((0.1, -0.05))
    assert found.mean == pytest.approx(0.025)
    assert "better with 1 of 2 seeds" in str(found)
    assert "sign-flip test" in str(found)


def test_models_that_were_tested_on_other_videos_cannot_be_paired():
    with pytest.raises(ValueError, match="cannot be paired"):
        difference([videos(10)], [videos(10, of=100)])


def test_a_video_is_right_when_its_class_alone_has_the_top_score(tmp_path):
    scores = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]], dtype=np.float32)
    np.savez(tmp_path / "scores.npz", scores=scores, targets=np.array([0, 0, 0]))
    assert correct(tmp_path / "scores.npz").tolist() == [True, False, False]
    (tmp_path / "simulated.npz").write_text('{\n  "top1": 0.5\n}\n')
    assert correct(tmp_path / "simulated.npz") is None

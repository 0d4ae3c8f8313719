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
    assert "t over seeds and videos" in str(found)


def right_of_equal_methods(rng, *, seeds: int, videos: int, scatter: float) -> np.ndarray:
    """Whether models are right (S, N): of one method, whose seeds and videos differ in accuracy."""
    chance = rng.uniform(0.4, 1, videos) + rng.normal(0, scatter, (seeds, 1))
    return rng.random((seeds, videos)) < chance


@pytest.mark.parametrize(("seeds", "scatter"), [(3, 0), (3, 0.03), (5, 0.06)])
def test_equal_methods_seem_different_in_about_one_of_twenty_trials(seeds, scatter):
    rng, trials = np.random.default_rng(0), 400
    made = {"seeds": seeds, "videos": 300, "scatter": scatter}
    found = [
        difference(*(right_of_equal_methods(rng, **made) for _ in range(2))) for _ in range(trials)
    ]
    assert 0.01 < np.mean([one.p < 0.05 for one in found]) < 0.09
    assert all((one.p < 0.05) == (one.low > 0 or one.high < 0) for one in found)


def test_a_lead_that_every_seed_confirms_is_told_from_chance():
    rng = np.random.default_rng(0)
    weak = right_of_equal_methods(rng, seeds=3, videos=300, scatter=0.03)
    strong = weak | (rng.random(weak.shape) < 0.5)
    assert difference(strong, weak).p < 0.01
    assert difference(weak, weak).p == 1
    assert difference(np.ones((3, 20)), np.zeros((3, 20))).p == 0


def test_models_that_were_tested_on_other_videos_cannot_be_paired():
    with pytest.raises(ValueError, match="cannot be paired"):
        difference([videos(10)], [videos(10, of=100)])


def test_a_video_is_right_when_its_class_alone_has_the_top_score(tmp_path):
    scores = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]], dtype=np.float32)
    np.savez(tmp_path / "scores.npz", scores=scores, targets=np.array([0, 0, 0]))
    assert correct(tmp_path / "scores.npz").tolist() == [True, False, False]
    (tmp_path / "simulated.npz").write_text('{\n  "top1": 0.5\n}\n')
    assert correct(tmp_path / "simulated.npz") is None

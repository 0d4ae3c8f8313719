"""The benchmarks of the knee run, and what they compare is what they say."""

import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from optplan.planning.knee import KneeStopper

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))
import curve_families
import fits


def run_script(module, arguments, monkeypatch, capsys):
    """What the script prints, by lines."""
    monkeypatch.setattr(sys, "argv", [module.__name__, *arguments])
    module.main()
    return capsys.readouterr().out.splitlines()


@pytest.fixture
def stoppers():
    pytest.importorskip("kneed", reason="needs envs/benchmarks.txt")
    import stoppers

    return stoppers


def test_the_fits_of_every_method_are_timed_and_judged(monkeypatch, capsys):
    lines = run_script(fits, ["--curves", "2"], monkeypatch, capsys)
    assert len(lines) == 2 + 1 + len(fits.FAMILIES)
    for line in lines[2:]:
        assert line.count(" ms (") == len(fits.LENGTHS)
        assert line.count("%") == 3


def test_every_method_stops_on_every_kind_of_table(stoppers, monkeypatch, capsys):
    monkeypatch.setattr(stoppers, "GROUPS", {"in": ("fine-tuning",), "out": ("flat",)})
    monkeypatch.setattr(stoppers, "KINDS", ("fine-tuning", "flat"))
    monkeypatch.setattr(stoppers, "NUM_CLIPS", (1000, np.inf))
    monkeypatch.setattr(stoppers, "SLOW_MIDDLES", (20,))
    monkeypatch.setattr(stoppers, "SLOW_MIN_EPOCHS", (10, 20))
    lines = run_script(stoppers, ["--curves", "1", "--jobs", "1"], monkeypatch, capsys)
    by_group, by_clips, by_kind, slow_starts = "\n".join(lines).split("\n\n")
    assert by_group.count("\n") - 1 == by_clips.count("\n")
    assert by_kind.count("\n") == 1 + 2
    assert slow_starts.count("%") == 2
    assert "nan" not in by_group + by_clips + by_kind


def test_one_pass_over_a_curve_gives_the_stops_of_every_delay(stoppers):
    rng = np.random.default_rng(1)
    for kind in ("fine-tuning", "falling"):
        scores = curve_families.observed(curve_families.mean_curve(kind, rng), 1000, rng)
        stops = stoppers.knees(scores, min_epochs=20)
        for delay, stop in stops.items():
            stopper = KneeStopper(delay=delay, min_epochs=20, max_epochs=400)
            decision = next(d for t, y in enumerate(scores) if (d := stopper.update(t, y)).stop)
            assert stop == (decision.epoch, decision.best_epoch)


def test_the_knee_is_measured_with_the_default_epochs_of_the_configuration(stoppers):
    schema = (Path(__file__).parents[2] / "config/schema.yaml").read_text()
    knee = find(yaml.safe_load(schema), "min_epochs_start")
    assert knee["min_epochs"]["default"] == stoppers.MIN_EPOCHS
    assert knee["min_epochs_start"]["default"] == stoppers.MIN_EPOCHS_START


def find(tree, key):
    """The mapping somewhere in `tree` that has `key`."""
    if isinstance(tree, dict):
        if key in tree:
            return tree
        return next((found for value in tree.values() if (found := find(value, key))), None)
    return None


def test_the_simple_rules_do_what_they_are_called(stoppers):
    scores = np.zeros(401)
    scores[7] = 1.0
    assert stoppers.patience(scores, 5) == (5, 0)
    assert stoppers.patience(scores, 10) == (17, 7)
    epochs, kept = stoppers.moving_average(scores, window=5, delay=10)
    assert (epochs, kept) == (16, 5)  # 5 is the first centre whose window has epoch 7


@pytest.mark.parametrize("kind", curve_families.KINDS)
def test_every_curve_is_an_accuracy_and_the_same_for_the_same_seed(kind):
    mean = curve_families.mean_curve(kind, np.random.default_rng(2))
    scores = curve_families.observed(mean, 500, np.random.default_rng(3))
    assert mean.shape == scores.shape == (401,)
    assert 0 <= min(mean.min(), scores.min()) <= max(mean.max(), scores.max()) <= 1
    np.testing.assert_array_equal(mean, curve_families.mean_curve(kind, np.random.default_rng(2)))

"""The stopper stops once, for a stated reason, and depends on nothing but the scores."""

from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from optplan.planning import knee
from optplan.planning.curves import FAMILIES, MIN_OBSERVATIONS, fit
from optplan.planning.knee import KneeStopper


def run(mean, **options):
    """The decision with which a stopper ends a curve that is given for epochs 0, 1, 2, ..."""
    stopper = KneeStopper(**options)
    for epoch, score in enumerate(mean):
        decision = stopper.update(epoch, score)
        if decision.stop:
            return decision
    raise AssertionError("the stopper never stopped")


def overfitting(num_epochs=400, noise=0.0, seed=0):
    t = np.arange(num_epochs)
    mean = 0.7 * (1 - np.exp(-t / 8)) - 4e-5 * t**2
    return mean + np.random.default_rng(seed).normal(0, noise, num_epochs)


def test_training_stops_in_the_first_epoch_past_the_delay():
    scores = overfitting()
    best = int(scores.argmax())
    decision = run(scores)
    assert (decision.best_epoch, decision.epoch, decision.reason) == (best, best + 11, "knee")
    assert decision.identified
    assert decision.fitted == pytest.approx(scores[best], abs=1e-6)
    assert decision.observed == scores[best]


@pytest.mark.parametrize("delay", [5, 10, 20])
def test_every_decision_follows_the_rule_of_the_paper(delay):
    stopper = KneeStopper(delay=delay, min_epochs=15, max_epochs=60)
    for epoch, score in enumerate(overfitting(61, noise=0.02)):
        decision = stopper.update(epoch, score)
        if decision.fit is None:
            assert epoch < MIN_OBSERVATIONS - 1
            assert not decision.stop
            continue
        peak = fit(stopper.scores).peak(60)
        past = epoch >= 15 and epoch > peak + delay
        assert decision.reason == ("knee" if past else "max_epochs" if epoch == 60 else None)
        assert decision.stop == (decision.reason is not None)
        assert decision.identified == (peak < epoch)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_finds_the_knee_of_a_noisy_curve(family):
    truth = overfitting()
    decision = run(overfitting(noise=0.01, seed=1), family=family)
    assert (decision.reason, decision.fit.family) == ("knee", family)
    assert truth.max() - truth[decision.best_epoch] < 0.01


def test_a_longer_delay_never_stops_earlier():
    for seed in range(2):
        scores = overfitting(noise=0.02, seed=seed)
        epochs = [run(scores, delay=delay).epoch for delay in (5, 10, 20)]
        assert epochs == sorted(epochs)


def test_a_curve_that_keeps_rising_ends_at_max_epochs_and_says_so():
    decision = run(np.linspace(0, 0.9, 100), max_epochs=40)
    assert (decision.epoch, decision.best_epoch) == (40, 40)
    assert decision.reason == "max_epochs"
    assert not decision.identified
    assert decision.observed is not None


def test_a_peak_that_lies_ahead_is_shown_as_not_identified_and_not_observed():
    stopper = KneeStopper(max_epochs=40)
    decision = [stopper.update(t, score) for t, score in enumerate(np.linspace(0, 0.2, 10))][-1]
    assert decision.best_epoch == 40
    assert not decision.identified
    assert decision.observed is None
    assert not decision.stop


@pytest.mark.parametrize("min_epochs", [10, 20, 33])
def test_a_flat_curve_trains_nothing_and_stops_as_early_as_allowed(min_epochs):
    decision = run([0.5] * 400, min_epochs=min_epochs)
    assert decision.epoch == max(min_epochs, 11)
    assert (decision.best_epoch, decision.fitted, decision.observed) == (0, 0.5, 0.5)


def test_a_falling_curve_keeps_the_parent():
    assert run(np.linspace(0.6, 0.1, 100)).best_epoch == 0


def test_twenty_epochs_carry_over_a_slow_start_that_ten_take_for_a_flat_curve():
    mean = 0.02 + 0.6 / (1 + np.exp(-(np.arange(101) - 25) / 2))
    scores = np.random.default_rng(1).binomial(1000, mean) / 1000
    early, late = (run(scores, min_epochs=n, max_epochs=100) for n in (10, 20))
    assert early.best_epoch < 10
    assert late.best_epoch > 25


@pytest.mark.parametrize("spike", [3, 12, 25])
def test_a_single_lucky_epoch_is_not_the_knee(spike):
    scores = overfitting(noise=0.005, seed=2)
    plain = run(scores)
    scores[spike] += 0.1
    assert abs(run(scores).best_epoch - plain.best_epoch) <= 5


def test_a_curve_that_cannot_reach_its_rival_stops_before_its_knee():
    scores = overfitting(noise=0.01, seed=4)
    decision = run(scores, rival=0.9)
    assert decision.reason == "bounded"
    assert 10 <= decision.epoch < run(scores).epoch
    assert decision.best_epoch <= decision.epoch
    assert decision.upper < 0.9


def test_a_rival_that_is_beaten_before_min_epochs_changes_nothing():
    scores = overfitting(noise=0.01, seed=4)
    alone, beside = run(scores), run(scores, rival=0.4)
    assert (beside.epoch, beside.best_epoch) == (alone.epoch, alone.best_epoch)
    assert beside.reason == "knee"
    assert alone.upper is None
    assert beside.upper > 0.4


def test_more_slack_gives_a_curve_more_time_against_its_rival():
    scores = overfitting(noise=0.02, seed=6)
    epochs = [run(scores, rival=0.68, slack=slack).epoch for slack in (0, 4)]
    assert epochs == sorted(epochs)


def test_a_rival_waits_for_min_epochs_as_the_knee_does():
    assert run([0.1] * 50, rival=0.5, min_epochs=9).epoch == 9


@settings(max_examples=25, deadline=None)
@given(
    scores=st.lists(st.floats(0, 1), min_size=31, max_size=31),
    delay=st.integers(0, 15),
    min_epochs=st.integers(0, 30),
)
def test_any_curve_stops_in_time_with_an_epoch_that_was_trained(scores, delay, min_epochs):
    decision = run(scores, delay=delay, min_epochs=min_epochs, max_epochs=30)
    assert min_epochs <= decision.epoch <= 30
    assert 0 <= decision.best_epoch <= decision.epoch
    assert decision.observed == scores[decision.best_epoch]


def test_the_unit_of_accuracy_changes_neither_the_stop_nor_the_knee():
    for seed in range(5):
        scores = overfitting(noise=0.015, seed=seed)
        fraction, percent = run(scores), run(100 * scores)
        assert (fraction.epoch, fraction.best_epoch) == (percent.epoch, percent.best_epoch)
        assert percent.residual_std == pytest.approx(100 * fraction.residual_std)


def test_a_resumed_stopper_decides_the_same_with_a_single_fit(monkeypatch):
    scores = overfitting(30, noise=0.02)
    straight = KneeStopper()
    decisions = [straight.update(epoch, score) for epoch, score in enumerate(scores)]

    fits = []
    monkeypatch.setattr(knee, "fit", lambda *args: fits.append(args) or fit(*args))
    resumed = KneeStopper()
    for epoch, score in enumerate(scores[:20]):
        resumed.observe(epoch, score)
    assert not fits
    assert resumed.decide() == decisions[19]
    assert len(fits) == 1
    assert [resumed.update(t, scores[t]) for t in range(20, 30)] == decisions[20:]


def test_a_decision_can_be_written_as_json():
    import json

    record = json.loads(json.dumps(asdict(run(overfitting()))))
    assert record["reason"] == "knee"
    assert record["fit"]["family"] == "exponential"


def test_scores_out_of_order_are_refused():
    stopper = KneeStopper()
    with pytest.raises(ValueError, match="epoch 1 came when epoch 0"):
        stopper.update(1, 0.5)
    stopper.update(0, 0.5)
    with pytest.raises(ValueError, match="epoch 0 came when epoch 1"):
        stopper.update(0, 0.5)


def test_a_score_that_is_not_finite_is_refused_and_leaves_no_trace():
    stopper = KneeStopper()
    with pytest.raises(ValueError, match="epoch 0 is nan"):
        stopper.update(0, float("nan"))
    assert stopper.scores == []


def test_there_is_no_decision_without_a_score():
    with pytest.raises(ValueError, match="epoch 0"):
        KneeStopper().decide()


@pytest.mark.parametrize(
    "wrong",
    [
        {"delay": -1},
        {"min_epochs": -1},
        {"max_epochs": 9},
        {"min_epochs": 0, "max_epochs": 3},
        {"family": "logistic"},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong):
    with pytest.raises(ValueError, match="must"):
        KneeStopper(**wrong)

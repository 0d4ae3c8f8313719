"""The simulated trainer: curves with a knee, the same errors for the same run, models as JSON."""

import json
from dataclasses import asdict
from itertools import islice

import numpy as np
import pytest

from optplan.planning.knee import KneeStopper
from optplan.planning.search import train_transition
from optplan.planning.simulate import Model, Task
from optplan.planning.states import State
from optplan.planning.strategies import StageSpec

L1R1, L2R1, L1R2, L1R3 = (State("cs", *place) for place in ((1, 1), (2, 1), (1, 2), (1, 3)))


def constant(state, epochs):
    return StageSpec(state.sampling, state.length, state.rate, "constant", epochs)


def curve(task, model, state, epochs):
    return list(islice(task.train(model, state), epochs + 1))


def test_the_same_seed_gives_the_same_task_and_another_seed_another():
    first, again, other = (curve(Task(s), Task(s).initial, L1R1, 20) for s in (1, 1, 2))
    assert first == again
    assert first != other


def test_a_model_survives_json_and_goes_on_as_if_nothing_had_happened():
    task = Task(3)
    model = task.train_stage(task.initial, constant(L1R1, 30))
    restored = Model(**json.loads(json.dumps(asdict(model))))
    assert restored == model
    assert curve(Task(3), restored, L2R1, 5) == curve(task, model, L2R1, 5)


@pytest.mark.parametrize("seed", range(5))
def test_training_first_helps_and_at_a_low_rate_hurts_in_the_end(seed):
    task = Task(seed)
    start = task.train_stage(task.initial, constant(L1R1, 100))
    accuracies = [task.accuracy(model) for _, model in curve(task, start, L1R2, 400)]
    knee = int(np.argmax(accuracies))
    assert 0 < knee < 200
    assert accuracies[-1] < accuracies[knee] - 0.01


@pytest.mark.parametrize("seed", range(5))
def test_the_sampling_strategies_differ(seed):
    task = Task(seed)
    cs, us = (
        task.train_stage(task.initial, StageSpec(sampling, 1, 1, "constant", 60))
        for sampling in ("cs", "us")
    )
    assert task.accuracy(cs) != task.accuracy(us)


def test_scores_scatter_around_the_true_accuracy_as_a_sample_of_that_size():
    deviations = {}
    for videos in (200, 20000):
        task = Task(1, videos=videos, jitter=0.0)
        shown = curve(task, task.initial, L1R1, 300)
        errors = [score - task.accuracy(model) for score, model in shown[1:]]
        expected = [np.sqrt(p * (1 - p) / videos) for p in (task.accuracy(m) for _, m in shown[1:])]
        assert np.std(errors) == pytest.approx(np.mean(expected), rel=0.2)
        assert all((score * videos) == pytest.approx(round(score * videos)) for score, _ in shown)
        deviations[videos] = np.std(errors)
    assert deviations[200] > 5 * deviations[20000]


def test_two_models_that_come_from_one_setting_see_the_same_errors():
    task = Task(2, jitter=0.01)
    short, long = (task.train_stage(task.initial, constant(L1R1, n)) for n in (40, 41))
    assert task.accuracy(short) != task.accuracy(long)
    errors = [
        [score - task.accuracy(model) for score, model in curve(task, start, L1R2, 10)]
        for start in (short, long)
    ]
    assert np.allclose(*errors, atol=0.002)
    other = task.train_stage(task.initial, constant(L2R1, 40))
    away = [score - task.accuracy(model) for score, model in curve(task, other, L1R2, 10)]
    assert not np.allclose(errors[0], away, atol=0.002)


def test_the_untrained_model_scores_zero():
    task = Task(1)
    assert curve(task, task.initial, L1R1, 0) == [(0.0, task.initial)]
    assert task.accuracy(task.initial) == task.validate(task.initial, "any") == 0.0


def test_epochs_at_a_constant_rate_are_the_same_in_a_transition_and_in_a_stage():
    task = Task(4)
    parent = task.train_stage(task.initial, constant(L1R1, 30))
    _, model = curve(task, parent, L2R1, 12)[-1]
    assert model == task.train_stage(parent, constant(L2R1, 12))
    halves = task.train_stage(task.train_stage(parent, constant(L2R1, 5)), constant(L2R1, 7))
    assert halves == model


def test_a_cosine_ends_with_less_noise_than_the_rate_it_starts_from():
    task = Task(4)
    cosine = task.train_stage(task.initial, StageSpec("cs", 1, 1, "cosine", 60))
    assert cosine.noise < task.train_stage(task.initial, constant(L1R1, 60)).noise
    assert task.accuracy(cosine) > task.accuracy(task.train_stage(task.initial, constant(L1R3, 60)))


def test_a_change_of_the_clip_length_undoes_some_memorisation():
    task = Task(5)
    model = task.train_stage(task.initial, constant(L1R1, 100))
    assert task.train_stage(model, constant(L1R2, 1)).memory > model.memory
    assert task.train_stage(model, constant(L2R1, 1)).memory < 0.9 * model.memory


def test_a_transition_is_trained_to_its_knee():
    task = Task(6)
    parent = task.train_stage(task.initial, constant(L1R1, 60))
    trained = train_transition(task.train, parent, L1R2, KneeStopper())
    assert trained.decision.reason == "knee"
    assert trained.model == task.train_stage(parent, constant(L1R2, trained.decision.best_epoch))
    assert task.accuracy(trained.model) > task.accuracy(parent)

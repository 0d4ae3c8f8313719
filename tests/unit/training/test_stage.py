import math
from itertools import pairwise

import pytest
import torch
from tiny import SETTINGS, short_stopper, tiny_data, tiny_network, train, weights_of
from torch.nn.modules.batchnorm import _BatchNorm

from optplan.planning.metric import TOP_1_3_5
from optplan.training.snapshots import Snapshots
from optplan.training.stage import recent_loss, synchronise_batch_norm, train_stage
from optplan.training.steps import learning_rate

pytestmark = pytest.mark.usefixtures("one_thread")


class Interrupted(Exception):
    pass


def interrupt_after(epochs):
    def report(entry, decision, cost):
        if entry["epoch"] == epochs:
            raise Interrupted

    return report


def assert_same_bytes(weights, others):
    assert list(weights) == list(others)
    for name, tensor in weights.items():
        assert tensor.numpy().tobytes() == others[name].numpy().tobytes(), name


def test_training_lowers_the_loss_and_counts_what_it_cost(tmp_path):
    result = train(tmp_path, epochs=5)
    losses = [entry["loss"] for entry in result.curve]
    assert losses[-1] < losses[0] / 2
    assert [entry["epoch"] for entry in result.curve] == [1, 2, 3, 4, 5]
    assert result.epochs == result.cost["epochs"] == 5
    assert result.cost["frames_trained"] == 5 * 8 * 4
    assert result.cost["frames_evaluated"] == 0


def test_a_stage_goes_on_to_a_loss_but_not_for_ever(tmp_path):
    losses = [entry["loss"] for entry in train(tmp_path / "nine", epochs=9).curve]
    recent = {
        epoch: recent_loss(train(tmp_path / "nine", epochs=9).curve, epoch) for epoch in (3, 5)
    }
    assert recent[5] == pytest.approx(sum(losses[2:5]) / 3)
    for name, loss, trained in [("soon", 100, 3), ("later", recent[5], 5), ("never", 0, 9)]:
        result = train(tmp_path / name, epochs=3, call={"loss": loss})
        assert (result.epochs, result.cost["epochs"]) == (trained, trained)
        assert [entry["loss"] for entry in result.curve] == losses[:trained]


def test_an_interrupted_stage_goes_on_to_its_loss(tmp_path):
    call = {"loss": 0.0}
    with pytest.raises(Interrupted):
        train(tmp_path / "cut", epochs=2, call={**call, "report": interrupt_after(3)})
    assert train(tmp_path / "cut", epochs=2, call=call).epochs == 6
    assert train(tmp_path / "cut", epochs=2, call=call).epochs == 6  # nothing more


@pytest.mark.parametrize("schedule", ["constant", "cosine"])
@pytest.mark.parametrize("after", [1, 2])
def test_an_interrupted_stage_continues_to_the_same_bytes(tmp_path, schedule, after):
    whole = train(tmp_path / "whole", schedule=schedule)
    with pytest.raises(Interrupted):
        train(tmp_path / "cut", schedule=schedule, call={"report": interrupt_after(after)})
    continued = train(tmp_path / "cut", schedule=schedule)
    assert_same_bytes(
        weights_of(tmp_path / "cut", continued), weights_of(tmp_path / "whole", whole)
    )
    assert continued.curve == whole.curve


def test_an_interrupted_transition_comes_to_the_same_knee_and_bytes(tmp_path):
    whole = train(tmp_path / "whole", stopper=short_stopper())
    with pytest.raises(Interrupted):
        train(tmp_path / "cut", stopper=short_stopper(), call={"report": interrupt_after(3)})
    continued = train(tmp_path / "cut", stopper=short_stopper())
    assert continued.curve == whole.curve
    assert continued.decision == whole.decision
    assert_same_bytes(
        weights_of(tmp_path / "cut", continued), weights_of(tmp_path / "whole", whole)
    )


def test_a_stage_interrupted_after_its_last_epoch_trains_nothing_more(tmp_path):
    with pytest.raises(Interrupted):
        train(tmp_path, epochs=2, call={"report": interrupt_after(2)})
    assert train(tmp_path, epochs=2, call={"report": interrupt_after(3)}).cost["epochs"] == 2


def test_a_finished_stage_is_given_again_without_a_look_at_the_videos(tmp_path):
    first = train(tmp_path, stopper=short_stopper())
    Snapshots(tmp_path, SETTINGS).finish(first.epochs, first.curve, first.cost)
    training, validation = tiny_data()
    again = train_stage(
        tiny_network(),
        training,
        validation,
        SETTINGS,
        snapshots=Snapshots(tmp_path, SETTINGS),
        stopper=short_stopper(),
    )
    assert not training.source.asked
    assert (again.curve, again.cost, again.decision) == (first.curve, first.cost, first.decision)
    assert again.epochs == first.epochs


def test_a_transition_ends_at_its_knee_and_counts_every_evaluation(tmp_path):
    result = train(tmp_path, stopper=short_stopper())
    assert result.epochs == result.decision.best_epoch <= result.cost["epochs"]
    evaluations = result.cost["epochs"] + 1
    assert result.cost["frames_evaluated"] == evaluations * 8 * 4


def test_the_cost_of_epoch_0_is_that_of_its_evaluation(tmp_path):
    training, validation = tiny_data()
    training.source = None  # the stage ends with an error when it starts to train
    snapshots = Snapshots(tmp_path, SETTINGS)
    work = {"snapshots": snapshots, "stopper": short_stopper()}
    with pytest.raises(AttributeError):
        train_stage(tiny_network(), training, validation, SETTINGS, **work)
    cost = snapshots.restore()["cost"]
    assert cost["frames_evaluated"] == 8 * 4
    assert cost["seconds"] > 0


@pytest.mark.parametrize("from_start", [True, False])
def test_epoch_0_counts_0_at_the_start_and_is_evaluated_elsewhere(tmp_path, from_start):
    result = train(tmp_path, stopper=short_stopper(), call={"from_start": from_start})
    first = result.curve[0]
    # Untrained, the network calls all videos the same: half of them are right.
    assert first == {"epoch": 0, "loss": None, "top1": 0.0 if from_start else 0.5}
    evaluations = result.cost["epochs"] + (not from_start)
    assert result.cost["frames_evaluated"] == evaluations * 8 * 4


def test_with_the_other_metric_the_curve_has_its_parts_and_the_knee_is_that_of_their_mean(tmp_path):
    call = {"metric": TOP_1_3_5, "from_start": True}
    whole = train(tmp_path / "whole", stopper=short_stopper(), call=call)
    plain = train(tmp_path / "plain", stopper=short_stopper(), call={"from_start": True})
    assert [e["top1"] for e in whole.curve] == [e["top1"] for e in plain.curve]
    parts = [(entry["top3"], entry["top5"]) for entry in whole.curve]
    assert parts == [(0.0, 0.0)] + [(1.0, 1.0)] * whole.cost["epochs"]  # there are two classes
    best = whole.curve[whole.epochs]
    assert whole.decision.observed == (best["top1"] + 2) / 3
    cut = call | {"report": interrupt_after(2)}
    with pytest.raises(Interrupted):
        train(tmp_path / "cut", stopper=short_stopper(), call=cut)
    continued = train(tmp_path / "cut", stopper=short_stopper(), call=call)
    assert (continued.curve, continued.decision) == (whole.curve, whole.decision)


def test_the_micro_batch_does_not_change_what_is_learnt(tmp_path):
    weights = []
    for micro_batch in (8, 4, 2):
        network = tiny_network(dropout=0.0)
        network.stem.bn.freeze(True)  # batch statistics are those of the micro-batch
        own = {"batch_size": 8, "micro_batch": micro_batch, "freeze_bn": True}
        result = train(tmp_path / str(micro_batch), network=network, **own)
        weights.append(weights_of(tmp_path / str(micro_batch), result))
    start = tiny_network(dropout=0.0).state_dict()
    name = "stem.conv.weight"
    assert not torch.allclose(start[name], weights[0][name], atol=1e-4)
    for other in weights[1:]:
        torch.testing.assert_close(weights[0], other, rtol=1e-3, atol=1e-5)


def test_decoding_processes_change_no_byte(tmp_path):
    results = [train(tmp_path / str(n), call={"workers": n}) for n in (0, 2)]
    assert_same_bytes(*(weights_of(tmp_path / str(n), results[0]) for n in (0, 2)))
    assert results[0].curve == results[1].curve


def test_a_loss_that_is_not_finite_leaves_the_epochs_before_it(tmp_path):
    network = tiny_network()

    def spoil(entry, decision, cost):
        if entry["epoch"] == 2:
            torch.nn.init.constant_(network.stem.conv.weight, torch.nan)

    with pytest.raises(ValueError, match=r"loss is nan in epoch 3 at learning rate 0\.02"):
        train(tmp_path, network=network, call={"report": spoil})
    assert Snapshots(tmp_path, {}).weights(2)["stem.conv.weight"].isfinite().all()
    assert train(tmp_path).cost["epochs"] == 3  # from epoch 2 on


def test_an_incomplete_last_group_is_averaged_over_what_it_has(tmp_path):
    results = [train(tmp_path / str(n), count=3, batch_size=n, micro_batch=n) for n in (3, 8)]
    assert_same_bytes(
        *(weights_of(tmp_path / str(n), r) for n, r in zip((3, 8), results, strict=True))
    )
    assert results[0].curve == results[1].curve


@pytest.mark.parametrize(("count", "batch_size"), [(9, 4), (9, 8), (5, 8)])
def test_no_clip_is_alone_where_a_network_leaves_one_value_a_channel(tmp_path, count, batch_size):
    """16 pixels and 4 frames become one by res5, and one value has no variance."""
    own = {"count": count, "batch_size": batch_size, "micro_batch": 4, "epochs": 1}
    done = []
    call = {"progress": lambda epoch, own, whole: done.append(own)}
    result = train(tmp_path, **own, call=call)
    assert math.isfinite(result.curve[0]["loss"])
    assert done == {9: [4, 7, 9] if batch_size == 4 else [7, 9], 5: [5]}[count]


def test_every_video_is_trained_on_once_an_epoch(tmp_path):
    training, _ = tiny_data(7)
    snapshots = Snapshots(tmp_path, SETTINGS)
    settings = SETTINGS | {"epochs": 1}
    train_stage(tiny_network(), training, None, settings, snapshots=snapshots)
    assert sorted(training.source.asked) == list(range(7))
    assert training.source.asked != list(range(7))


def test_frozen_batch_norm_is_left_as_it_was(tmp_path):
    start = tiny_network().state_dict()
    weights = weights_of(tmp_path, train(tmp_path, epochs=1, freeze_bn=True))
    statistics = [name for name in start if name.endswith("running_mean")]
    changed = [name for name in statistics if not torch.equal(start[name], weights[name])]
    assert changed == ["stem.bn.running_mean"]


@pytest.mark.parametrize("frozen", [False, True])
def test_statistics_are_shared_by_all_processes_where_they_are_not_frozen(frozen):
    network = tiny_network()
    before = network.state_dict()
    network.freeze_batch_norm(frozen)
    synchronise_batch_norm(network)
    own = {name: m for name, m in network.named_modules() if isinstance(m, _BatchNorm)}
    shared = [name for name, layer in own.items() if isinstance(layer, torch.nn.SyncBatchNorm)]
    assert shared == (["stem.bn"] if frozen else list(own))
    assert_same_bytes(network.state_dict(), before)
    assert network.stem.bn.training
    assert all(layer.training is not frozen for name, layer in own.items() if name != "stem.bn")


def test_a_constant_rate_stays_and_a_cosine_falls_from_the_rate_to_nothing():
    constant = SETTINGS | {"epochs": 4}
    assert {learning_rate(constant, e, p) for e in (1, 4) for p in (0, 0.9)} == {0.02}
    cosine = constant | {"schedule": "cosine"}
    rates = [learning_rate(cosine, e, p) for e in (1, 2, 3, 4) for p in (0, 0.25, 0.5, 0.75)]
    assert rates[0] == 0.02
    assert all(later < earlier for earlier, later in pairwise(rates))
    assert math.isclose(learning_rate(cosine, 3, 0), 0.01)
    assert learning_rate(cosine, 4, 1.0) < 1e-12


def test_the_loss_weight_scales_the_gradient_and_not_the_reported_loss(tmp_path):
    own = {"epochs": 1, "batch_size": 8, "micro_batch": 8, "weight_decay": 0.0, "clip_norm": 1e9}
    start, steps, losses = tiny_network().state_dict(), [], []
    for weight in (1.0, 4.0):
        folder = tmp_path / str(weight)
        result = train(folder, loss_weight=weight, **own)
        after = weights_of(folder, result)
        steps.append({n: after[n] - start[n] for n, t in start.items() if n.endswith("weight")})
        losses.append(result.curve[0]["loss"])
    # In a single step SGD with momentum is linear in the gradient.
    for name, step in steps[0].items():
        torch.testing.assert_close(steps[1][name], 4 * step, rtol=1e-3, atol=1e-6)
    assert any(step.abs().max() > 1e-4 for step in steps[0].values())
    assert losses[0] == losses[1]


def test_a_loss_that_is_not_finite_names_epoch_and_learning_rate(tmp_path):
    with pytest.raises(ValueError, match=r"in epoch 1 at learning rate 1e\+30; a lower"):
        train(tmp_path, learning_rate=1e30)


def test_a_half_trained_stage_of_other_settings_is_refused(tmp_path):
    with pytest.raises(Interrupted):
        train(tmp_path, call={"report": interrupt_after(1)})
    with pytest.raises(ValueError, match=r"another configuration \(momentum: 0\.9 -> 0\.8\)"):
        train(tmp_path, momentum=0.8)

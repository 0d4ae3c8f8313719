import weakref

import pytest
import torch
from tiny import SETTINGS, short_stopper, tiny_data, tiny_network, train, weights_of

from optplan.training.devices import CPU, Rank, launch
from optplan.training.evaluation import score_videos
from optplan.training.snapshots import load, save

COMPUTE = {"processes": 1, "workers": 0, "threads": 1, "compile": False, "deterministic": False}
JOB = {"compute": COMPUTE, "training": {"micro_batch": 4}}


def in_processes(count: int) -> dict:
    return {**JOB, "compute": COMPUTE | {"processes": count}}


def frozen_network():
    """Batch normalisation and dropout would see other clips together in other processes."""
    network = tiny_network(dropout=0.0)
    network.stem.bn.freeze(True)
    return network


def train_and_score(rank: Rank, settings: dict, folder, micro_batch: int):
    """7 videos in steps of 4: the last step has 3, which no 2 processes share evenly."""
    result = train(
        folder,
        network=(network := frozen_network()),
        count=7,
        freeze_bn=True,
        micro_batch=micro_batch,
        stopper=short_stopper(),
        call={"rank": rank},
    )
    scores, targets = score_videos(network, tiny_data(7)[1], rank=rank, batch_size=4)
    found = {"scores": torch.from_numpy(scores), "targets": torch.from_numpy(targets)}
    save(found | {"curve": result.curve}, folder / f"found-{rank.number}.pt")


def test_two_processes_train_and_score_as_one_does(tmp_path):
    for count in (1, 2):
        folder = tmp_path / str(count)
        folder.mkdir()
        launch(train_and_score, in_processes(count), folder, 4 if count == 1 else 1)
    alone = load(tmp_path / "1" / "found-0.pt")
    for number in (0, 1):
        found = load(tmp_path / "2" / f"found-{number}.pt")
        assert found["targets"].tolist() == [0, 1, 0, 1, 0, 1, 0]
        torch.testing.assert_close(found["scores"], alone["scores"], rtol=1e-3, atol=1e-5)
        assert [e["top1"] for e in found["curve"]] == [e["top1"] for e in alone["curve"]]
        losses = [[e["loss"] for e in f["curve"][1:]] for f in (found, alone)]
        assert losses[0] == pytest.approx(losses[1], rel=1e-4)
    weights = [load(tmp_path / str(n) / "epoch-0004.pt") for n in (1, 2)]
    start = frozen_network().state_dict()["stem.conv.weight"]
    assert not torch.allclose(start, weights[0]["stem.conv.weight"], atol=1e-4)
    torch.testing.assert_close(*weights, rtol=1e-3, atol=1e-5)


def train_unfrozen(rank: Rank, settings: dict, folder):
    train(folder, network=(network := tiny_network()), epochs=1, call={"rank": rank})
    own = {name: tensor.clone() for name, tensor in network.named_buffers()}
    save(own, folder / f"buffers-{rank.number}.pt")


def test_the_statistics_that_all_processes_score_with_are_those_that_are_saved(tmp_path):
    launch(train_unfrozen, in_processes(2), tmp_path)
    saved = load(tmp_path / "epoch-0001.pt")
    for number in (0, 1):
        found = load(tmp_path / f"buffers-{number}.pt")
        assert any(name.endswith("running_var") for name in found)
        torch.testing.assert_close(found, {name: saved[name] for name in found}, rtol=0, atol=0)


class Cramped(torch.nn.Module):
    """Fits `limit` clips at a time into its memory, as a GPU would; the next one is too many."""

    def __init__(self, limit: int):
        super().__init__()
        self.network, self.limit = frozen_network(), limit

    def forward(self, clips):
        if len(clips) > self.limit:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 1.50 GiB.")
        return self.network(clips)

    def freeze_batch_norm(self, frozen):
        self.network.freeze_batch_norm(frozen)


def train_cramped(rank: Rank, settings: dict, folder, limit: int):
    last = rank.number == rank.count - 1  # memory runs out in one of the processes
    network = Cramped(limit if limit and last else 100)
    own = {"micro_batch": settings["training"]["micro_batch"], "freeze_bn": True}
    train(folder, network=network, call={"rank": rank}, **own)


@pytest.mark.parametrize("processes", [1, 2])
def test_a_stage_that_runs_out_of_memory_goes_on_with_smaller_pieces(tmp_path, capfd, processes):
    launch(train_cramped, JOB, tmp_path / "roomy", 0)
    launch(train_cramped, in_processes(processes), tmp_path / "cramped", 1)
    told = capfd.readouterr().err
    assert "out of GPU memory with 4 clips at a time; going on with 2 from the last epoch" in told
    assert "out of GPU memory with 2 clips at a time; going on with 1 from the last epoch" in told
    weights = [load(tmp_path / name / "epoch-0003.pt") for name in ("roomy", "cramped")]
    torch.testing.assert_close(*weights, rtol=1e-3, atol=1e-5)


def test_memory_that_does_not_suffice_for_one_clip_is_an_error_with_a_remedy(tmp_path):
    with pytest.raises(ValueError, match=r"not even 1 clip .* \(CUDA out of memory.*video\.crop"):
        launch(train_cramped, JOB, tmp_path, 0.5)


def test_the_network_that_did_not_fit_is_gone_before_the_next_attempt(tmp_path):
    networks = []

    def attempt(rank: Rank, settings: dict):
        assert all(network() is None for network in networks)
        network = Cramped(1)
        networks.append(weakref.ref(network))
        try:
            train(tmp_path, network=network, freeze_bn=True, **settings["training"])
        except torch.OutOfMemoryError as error:
            network.failure = error  # a cycle, as the first optimiser of a process makes one
            raise

    launch(attempt, JOB)
    assert len(networks) == 3


def fail(rank: Rank, settings: dict):
    if rank.number == 1:
        raise ValueError("the loss is nan in epoch 3")
    rank.wait()


def train_to_knee_cramped(rank: Rank, settings: dict, folder, limit: int):
    own = {"micro_batch": settings["training"]["micro_batch"], "freeze_bn": True}
    train(folder, network=Cramped(limit), stopper=short_stopper(), **own)


@pytest.mark.parametrize("limit", [1, 4])
def test_the_clips_that_fit_while_training_fit_while_validating(tmp_path, capfd, limit):
    launch(train_to_knee_cramped, JOB, tmp_path, limit)
    assert capfd.readouterr().err.count("out of GPU memory") == {1: 2, 4: 0}[limit]


def test_the_error_of_one_process_ends_all_and_is_told():
    with pytest.raises(Exception, match="ValueError: the loss is nan in epoch 3"):
        launch(fail, in_processes(2))


def test_a_process_that_is_alone_has_nobody_to_wait_for():
    rank = Rank()
    assert (rank.first, rank.device) == (True, CPU)
    assert rank.total(1.5, 2.0) == [1.5, 2.0]
    rows = torch.arange(3)
    assert rank.interleaved(rows, 3) is rows


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_trains_as_a_cpu_does(tmp_path):
    for device in ("cpu", "cuda"):
        rank = Rank(device=torch.device(device))
        result = train(
            tmp_path / device, network=frozen_network(), freeze_bn=True, call={"rank": rank}
        )
        assert result.epochs == SETTINGS["epochs"]
    weights = [weights_of(tmp_path / device, result) for device in ("cpu", "cuda")]
    torch.testing.assert_close(*weights, rtol=0.1, atol=0.02)  # bfloat16 has 3 digits

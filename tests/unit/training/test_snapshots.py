import importlib.util
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import optplan
from optplan.training.snapshots import TRAINS, Snapshots, flatten, load, save


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_equal_weights_give_equal_bytes_whatever_the_file_is_called(tmp_path):
    for name in ("a.pt", "another-name.pt"):
        save({"weight": torch.arange(6.0).view(2, 3), "epoch": 3}, tmp_path / name)
    assert (tmp_path / "a.pt").read_bytes() == (tmp_path / "another-name.pt").read_bytes()
    assert torch.equal(load(tmp_path / "a.pt")["weight"], torch.arange(6.0).view(2, 3))


def dump_pickle(value, path: Path):
    path.write_bytes(pickle.dumps(value, protocol=2))


@pytest.mark.parametrize("dump", [torch.save, dump_pickle])
def test_a_file_with_code_is_refused_and_the_code_is_not_run(tmp_path, dump):
    dump(Attack(tmp_path / "made"), tmp_path / "bad.pt")
    with pytest.raises(ValueError, match=r"bad\.pt cannot be read as weights"):
        load(tmp_path / "bad.pt")
    assert not (tmp_path / "made").exists()


def test_a_file_cut_short_is_named(tmp_path):
    save({"weight": torch.zeros(9)}, tmp_path / "w.pt")
    (tmp_path / "w.pt").write_bytes((tmp_path / "w.pt").read_bytes()[:100])
    with pytest.raises(ValueError, match=r"w\.pt cannot be read as weights"):
        load(tmp_path / "w.pt")


def test_a_snapshot_is_restored_as_it_was_saved(tmp_path):
    settings = {"stage": {"rate": 0.1}, "weights": "abc"}
    snapshots = Snapshots(tmp_path / "work", settings)
    assert snapshots.restore() is None
    curve, cost = [{"epoch": 0, "loss": None, "top1": 0.5}], {"epochs": 0}
    snapshots.save(0, {"w": torch.ones(2)}, {"state": {}}, curve, cost)
    again = Snapshots(tmp_path / "work", settings)
    assert again.restore()["curve"] == curve
    assert again.restore()["cost"] == cost
    assert torch.equal(again.weights(0)["w"], torch.ones(2))


def test_a_snapshot_of_other_settings_is_refused_with_every_difference(tmp_path):
    Snapshots(tmp_path, {"stage": {"rate": 0.1, "seed": 1}}).save(0, {}, {}, [], {"epochs": 0})
    changed = {"stage": {"rate": 0.2, "seed": 1}, "delay": 5}
    with pytest.raises(ValueError, match=r"stage\.rate: 0\.1 -> 0\.2, delay: None -> 5"):
        Snapshots(tmp_path, changed).restore()


def cut_short(path: Path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@pytest.mark.parametrize("name", ["snapshot.pt", "epoch-0002.pt"])
def test_a_file_that_the_disk_cut_short_costs_one_epoch(tmp_path, capsys, name):
    snapshots = Snapshots(tmp_path, {})
    for epoch in range(3):
        snapshots.save(epoch, {"w": torch.full((2,), float(epoch))}, {}, [], {"epochs": epoch})
    assert snapshots.restore()["cost"]["epochs"] == 2
    cut_short(tmp_path / name)
    assert snapshots.restore()["cost"]["epochs"] == 1
    assert f"{name} cannot be read as weights" in capsys.readouterr().err


def test_a_stage_of_which_nothing_can_be_read_says_what_to_delete(tmp_path):
    Snapshots(tmp_path, {}).save(0, {}, {}, [], {"epochs": 0})
    cut_short(tmp_path / "snapshot.pt")
    with pytest.raises(ValueError, match=rf"snapshot\.pt cannot be read.*delete {tmp_path} to"):
        Snapshots(tmp_path, {}).restore()


def test_a_snapshot_between_its_two_renames_is_found(tmp_path):
    snapshots = Snapshots(tmp_path, {})
    for epoch in range(2):
        snapshots.save(epoch, {}, {}, [], {"epochs": epoch})
    (tmp_path / "snapshot.pt").rename(tmp_path / "next.pt")
    assert snapshots.restore()["cost"]["epochs"] == 1


def test_a_full_disk_leaves_the_snapshot_before(tmp_path):
    snapshots = Snapshots(tmp_path, {})
    snapshots.save(0, {}, {}, [], {"epochs": 0})
    for name in ("epoch-0001.pt", "next.pt"):
        (tmp_path / f"{name}.partial").symlink_to("/dev/full")
        with pytest.raises(OSError, match=rf"No space left on device: .*{name}"):
            snapshots.save(1, {"w": torch.ones(2)}, {}, [], {"epochs": 1})
        assert snapshots.restore()["cost"]["epochs"] == 0


def finished(folder, settings):
    snapshots = Snapshots(folder, settings)
    for epoch in range(3):
        snapshots.save(epoch, {"w": torch.full((2,), float(epoch))}, {}, [], {"epochs": epoch})
    snapshots.finish(1, [{"epoch": 1}], {"epochs": 2})
    return snapshots


def test_a_finished_stage_keeps_its_result_and_nothing_else(tmp_path):
    finished(tmp_path, {"rate": 0.1})
    assert {path.name for path in tmp_path.iterdir()} == {"snapshot.pt", "epoch-0001.pt"}
    again = Snapshots(tmp_path, {"rate": 0.1})
    assert again.restore()["curve"] == [{"epoch": 1}]
    assert torch.equal(again.weights(1)["w"], torch.ones(2))


def test_a_finished_stage_of_other_settings_makes_room(tmp_path):
    finished(tmp_path, {"rate": 0.1})
    assert Snapshots(tmp_path, {"rate": 0.2}).restore() is None
    assert not list(tmp_path.iterdir())


def test_a_finished_stage_of_other_code_makes_room(tmp_path, monkeypatch):
    finished(tmp_path, {"rate": 0.1})
    monkeypatch.setattr("optplan.training.snapshots.code_digest", lambda: "other")
    assert Snapshots(tmp_path, {"rate": 0.1}).restore() is None


def test_code_that_training_needs_decides_whether_it_is_the_same_and_no_other():
    """A new module that the jobs import has to be put on one of the two sides."""
    code = "import sys, optplan.training.jobs; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    package = Path(optplan.__file__).parent
    files = {
        Path(spec.origin).relative_to(package)
        for name in done.stdout.split()
        if name.startswith("optplan.") and (spec := importlib.util.find_spec(name))
    }
    trains = {path.relative_to(package) for part in TRAINS for path in package.glob(part)}
    rest = {path.as_posix() for path in files - trains if path.parts[0] != "reporting"}
    assert files & trains
    # Checks, files, locks, messages, and which file is what: none of it shapes the weights.
    assert rest == {
        *("checks.py", "study_checks.py", "files.py", "locks.py", "progress.py"),
        *("study.py", "paper.py", "places.py", "schema.py"),
    }


def test_given_out_weights_take_no_room_and_are_as_new_as_they_look(tmp_path):
    work, output = tmp_path / "work", tmp_path / "weights.pt"
    snapshots = finished(work, {})
    os.utime(snapshots.weights_path(1), (1, 1))
    before = time.time()
    for _ in range(2):  # an earlier one is replaced
        snapshots.export(1, output)
    assert output.samefile(snapshots.weights_path(1))
    assert {path.name for path in tmp_path.iterdir()} == {"work", "weights.pt"}
    assert output.stat().st_mtime >= before - 1
    output.unlink()
    assert torch.equal(snapshots.weights(1)["w"], torch.ones(2))


def test_nested_settings_flatten_to_dotted_keys():
    assert flatten({"a": {"b": 1, "c": {"d": [2]}}, "e": None}) == {
        "a.b": 1,
        "a.c.d": [2],
        "e": None,
    }

import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from optplan.training.snapshots import Snapshots, flatten, load, locked, save, write_bytes

LOCK = "import fcntl, sys; fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)"


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def lock_from_another_process(path: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", LOCK, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


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


def test_an_interrupted_write_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "w.pt"
    write_bytes(b"whole", path)
    with pytest.raises(TypeError):
        write_bytes(None, path)
    assert path.read_bytes() == b"whole"
    with pytest.raises(TypeError):
        write_bytes(None, tmp_path / "new.pt")
    assert not (tmp_path / "new.pt").exists()


def test_a_locked_folder_is_refused_to_others_and_free_afterwards(tmp_path):
    folder = tmp_path / "work"
    with locked(folder):
        with pytest.raises(RuntimeError, match="another process is training in"), locked(folder):
            pass
        refused = lock_from_another_process(tmp_path / "work.lock")
        assert "BlockingIOError" in refused.stderr
    with locked(folder):
        assert folder.is_dir()


def test_a_lock_ends_with_an_error_inside_it(tmp_path):
    with pytest.raises(KeyError), locked(tmp_path / "work"):
        raise KeyError
    with locked(tmp_path / "work"):
        pass


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
    again.remove()
    assert not (tmp_path / "work").exists()


def test_a_snapshot_of_other_settings_is_refused_with_every_difference(tmp_path):
    Snapshots(tmp_path, {"stage": {"rate": 0.1, "seed": 1}}).save(0, {}, {}, [], {})
    changed = {"stage": {"rate": 0.2, "seed": 1}, "delay": 5}
    with pytest.raises(ValueError, match=r"stage\.rate: 0\.1 -> 0\.2, delay: None -> 5"):
        Snapshots(tmp_path, changed).restore()


def test_nested_settings_flatten_to_dotted_keys():
    assert flatten({"a": {"b": 1, "c": {"d": [2]}}, "e": None}) == {
        "a.b": 1,
        "a.c.d": [2],
        "e": None,
    }

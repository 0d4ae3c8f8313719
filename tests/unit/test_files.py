import errno
import json

import pytest

from optplan.files import write_bytes, write_json, write_lines


def test_an_interrupted_write_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "w.pt"
    write_bytes(b"whole", path)
    with pytest.raises(TypeError):
        write_bytes(None, path)
    assert path.read_bytes() == b"whole"
    with pytest.raises(TypeError):
        write_bytes(None, tmp_path / "new.pt")
    assert not (tmp_path / "new.pt").exists()


def test_a_full_disk_is_an_error_with_the_path_and_leaves_the_file_as_it_was(tmp_path):
    path = tmp_path / "w.pt"
    write_bytes(b"whole", path)
    (tmp_path / "w.pt.partial").symlink_to("/dev/full")  # every write there finds the disk full
    with pytest.raises(OSError, match=r"No space left on device: .*/w\.pt'") as caught:
        write_bytes(b"new", path)
    assert caught.value.errno == errno.ENOSPC
    assert path.read_bytes() == b"whole"
    write_bytes(b"new", path)
    assert path.read_bytes() == b"new"


def test_json_is_read_back_as_it_was_written(tmp_path):
    values = [{"epoch": 0, "top1": 0.5}, {"epoch": 1, "top1": None}]
    write_json(values, tmp_path / "a.json")
    assert json.loads((tmp_path / "a.json").read_text()) == values
    write_lines(values, tmp_path / "a.jsonl")
    lines = (tmp_path / "a.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == values

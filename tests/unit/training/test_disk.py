from types import SimpleNamespace

import pytest

from optplan.config import resolve
from optplan.training import disk


def settings_of(**own):
    data = {"format": "embedded", "name": "motion"}
    config = {"experiments": {"a": {"data": data, "network": {"body": "small"}, **own}}}
    return resolve(config)["experiments"]["a"]


def weights(folder, size=1000):
    (folder / "initial.pt").write_bytes(bytes(size))
    return folder / "initial.pt"


def test_the_disk_of_a_plan_is_said_before_it_starts(tmp_path):
    settings = settings_of(strategies=["cs-l1-l3-cosine-48"], knee={"max_epochs": 97})
    text = disk.check_disk(settings, weights(tmp_path))
    # 36 transitions, 2 stages of the strategy, and a path of at most 5 states
    assert "take 1 KB each; up to 43 KB stay" in text
    assert "at work takes up to 100 KB" in text


def test_a_plan_that_is_replayed_keeps_its_stages_only(tmp_path):
    settings = settings_of() | {"plan": "plan.yaml"}
    assert "up to 5 KB stay" in disk.check_disk(settings, weights(tmp_path))


def test_too_small_a_disk_is_an_error_with_the_way_out(tmp_path, monkeypatch):
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda path: SimpleNamespace(free=120_000))
    with pytest.raises(ValueError, match=r"120 KB are free in .*: too little; .*max_epochs \(97\)"):
        disk.check_disk(settings_of(knee={"max_epochs": 97}), weights(tmp_path))

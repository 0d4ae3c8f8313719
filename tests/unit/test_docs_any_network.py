"""The page about other networks: its examples run as they stand."""

import re
from pathlib import Path

import pytest
import torch

PAGE = Path(__file__).parents[2] / "docs" / "any-network.md"


@pytest.fixture
def one_thread():
    threads, state = torch.get_num_threads(), torch.get_rng_state()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    torch.set_rng_state(state)


@pytest.mark.usefixtures("one_thread")
def test_the_examples_plan_draw_and_retrain(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    example, drawing, retraining = re.findall(
        r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL
    )
    names = {}
    exec(example, names)
    found = names["found"]
    assert capsys.readouterr().out == f"{found.plan['path']} {found.plan['score']}\n"
    assert found.plan["score"] > 0.6  # of three classes
    assert set(found.records) == {"cs-l1-r1", "cs-l1-r2", "cs-l2-r1", "cs-l2-r2"}

    exec(drawing, names)
    assert (tmp_path / "signals-graph.png").stat().st_size > 0

    exec(retraining, names)
    epochs = sum(step["epochs"] + 1 for step in found.plan["path"])
    assert len(capsys.readouterr().out.splitlines()) == epochs

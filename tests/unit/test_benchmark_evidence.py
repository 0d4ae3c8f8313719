"""The evidence study: its methods on videos of a moment, and its tables."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from optplan.config import resolve
from optplan.planning.states import State
from optplan.planning.strategies import HandTuned
from optplan.video.embedded import encode
from optplan.video.index import write_table

pytest.importorskip("optuna", reason="needs envs/benchmarks.txt")
sys.path.append(str(Path(__file__).parents[2] / "benchmarks" / "evidence"))
import methods
import page
import stops
import tables
from cells import LONGER, Cell, groups, read_cells
from scores import score_rows
from stages import ORIGINAL_TRAINING, TRAINING, Cost, Trainer

pytestmark = pytest.mark.usefixtures("one_thread")
KNEE = {"delay": 1, "min_epochs": 4, "min_epochs_start": 4, "max_epochs": 4}
STRATEGIES = ["cs-l1-2-step-4", "cs-l1-2-step-6", "cs-l1-cosine-2"]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Eight dark and bright videos of eight frames."""
    folder, rows = tmp_path_factory.mktemp("videos"), []
    for number, subset in enumerate(["train"] * 4 + ["val"] * 2 + ["test"] * 2):
        name = f"{number}.mp4"
        encode(folder / name, np.full((8, 36, 36, 3), 30 + 150 * (number % 2), np.uint8), 10)
        size = {"frames": 8, "height": 36, "width": 36, "access": "random"}
        rows.append({"video": name, "subset": subset, "target": number % 2, **size})
    write_table(pd.DataFrame(rows), folder / "split.tsv")
    return SimpleNamespace(split=folder / "split.tsv", videos=folder)


@pytest.fixture(scope="module")
def settings(inputs):
    video = {"short_side": [34, 36], "crop": 32, "planning_short_side": 34}
    video |= {"evaluation_short_side": 36, "evaluation_crop": 36, "evaluation_clips": 1}
    one = {
        "data": {"format": "folder", "root": str(inputs.videos)},
        "network": {"body": "small"},
        "states": {
            "sampling": ["cs"],
            "clip_lengths": [4],
            "learning_rates": [0.01, 0.001],
            "snippet": 1,
        },
        "training": {"batch_size": 4, "micro_batch": 4},
        "video": video,
        "knee": KNEE,
        "strategies": STRATEGIES,
    }
    return resolve({"experiments": {"a": one}})["experiments"]["a"]


def test_every_method_counts_what_it_would_cost_alone(inputs, settings, tmp_path):
    planning = Trainer(tmp_path / "a", inputs, settings, 1, subsets=TRAINING, scored=True)
    whole = Trainer(tmp_path / "b", inputs, settings, 1, subsets=ORIGINAL_TRAINING)
    search = Trainer(tmp_path / "c", inputs, settings, 1, subsets=TRAINING)

    found = methods.planned(planning, knee=KNEE, planning={})
    # 4 training and 2 validation videos of 4 frames; the initial weights are not scored.
    assert found["cost"]["epochs"] == 8
    assert found["cost"]["frames"] == 2 * 4 * (4 + 2) * 4 + 2 * 4
    again = methods.planned(planning, knee=KNEE, planning={})
    assert again == found  # from what was trained the first time, and just as dear

    grid = methods.grid(whole)
    assert [one["cost"]["epochs"] for one in grid["strategies"].values()] == [4, 6, 2]
    assert grid["shared"]["epochs"] == 3 + 2 + 3 + 2  # the first three epochs have one beginning
    assert {len(one["right"]) for one in grid["strategies"].values()} == {2}

    frames = found["cost"]["frames"]
    tried = methods.tpe(search, frames=frames)
    assert tried["cost"]["frames"] >= frames
    assert tried["sampling"] == "cs"

    path = [("cs-l1-r1", 2), ("cs-l1-r2", 1)]
    trained = methods.retrained(whole, path)
    assert trained["cost"]["frames"] == 3 * 6 * 4
    files = [tmp_path / "a" / "dg_p3d" / "seed-1" / f"{name}.json" for name in ("paper", "grid")]
    files[0].parent.mkdir(parents=True)
    files[0].write_text(json.dumps(found | {"retrained": trained}))
    assert read_cells(files[:1]) == []
    files[1].write_text(json.dumps(grid))
    together = groups(read_cells(files))
    assert tables.accuracy_rows(together)["TPE"].tolist() == [""]
    assert tables.lead_rows(together)["Lead of"].tolist() == ["planned (paper)"]
    longer = methods.hand_tuned(whole, HandTuned.parse("cs-l1-cosine-8"))
    assert longer["cost"]["epochs"] == 8
    files.append(files[0].with_name("longer.json"))
    files[2].write_text(json.dumps({"strategy": "cs-l1-cosine-8", **longer}))
    together = groups(read_cells(files))
    assert tables.lead_rows(together)["over"].tolist()[1] == LONGER
    assert tables.accuracy_rows(together)[LONGER].tolist() != [""]
    assert tables.sampling_rows(together, {"a": "cs"})["Right"].tolist() == ["yes"]
    assert len(tables.measured_rows(read_cells(files))) == 1 + len(STRATEGIES)


def test_the_same_history_has_the_same_weights(inputs, settings, tmp_path):
    trainer = Trainer(tmp_path / "a", inputs, settings, 1, subsets=TRAINING)
    first, second = State("cs", 1, 1), State("cs", 1, 2)
    once = trainer.path([(first, 2), (second, 1)], Cost())
    cost = Cost()
    assert trainer.path([(first, 2), (second, 1)], cost) is once
    assert cost.epochs == 3
    assert trainer.path([(first, 1), (second, 1)], Cost()) != once


def test_a_path_is_trained_again_for_its_epochs_or_to_its_losses(inputs, settings, tmp_path):
    planning = Trainer(tmp_path / "planning", inputs, settings, 1, subsets=TRAINING)
    others = [
        Trainer(tmp_path / f"{seed}", inputs, settings, seed, subsets=ORIGINAL_TRAINING)
        for seed in (1, 101)
    ]
    found = methods.again(planning, others, [("cs-l1-r1", 2), ("cs-l1-r2", 1)])
    runs = found["runs"]
    assert [(run["seed"], run["rule"]) for run in runs] == [
        (seed, rule) for seed in (1, 101) for rule in ("epochs", "loss")
    ]
    for run in runs:
        assert run["rule"] == "loss" or run["epochs"] == [2, 1]
        for epochs, reached, least, loss in zip(
            run["epochs"], run["losses"], (2, 1), found["losses"], strict=True
        ):
            assert run["rule"] == "epochs" or reached <= loss or epochs == 3 * least
    content = {"retraining": {**found, "runs": runs}}
    (row,) = tables.retraining_rows([Cell("a", "dg_p3d", 1, content)]).to_dict("records")
    assert row["Retrainings"] == 2
    assert tables.retraining_rows([Cell("a", "dg_p3d", 1, {})]).empty


def test_the_models_that_transitions_hand_on_are_tested(inputs, settings, tmp_path):
    trainer = Trainer(tmp_path / "a", inputs, settings, 1, subsets=TRAINING, scored=True)
    found = methods.candidates(trainer, knee=KNEE)
    assert [one["transition"] for one in found] == ["start--cs-l1-r1", "cs-l1-r1--cs-l1-r2"]
    assert [one["state"] for one in found] == ["cs-l1-r1", "cs-l1-r2"]
    planned = methods.planned(trainer, knee=KNEE, planning={})
    assert found[-1]["right"] == planned["right"]
    assert found[-1]["fitted"] == planned["validation"]


def test_scores_are_compared_by_the_parents_they_take():
    # transition, state, fitted, observed, right: only the first state has a choice
    rows = [
        ("a--c", "c", 0.6, 0.5, "1110"),
        ("b--c", "c", 0.5, 0.7, "1000"),
        ("c--d", "d", 0.9, 0.9, "1111"),
    ]
    names = ("transition", "state", "fitted", "observed", "right")
    content = {"candidates": [dict(zip(names, row, strict=True)) for row in rows]}
    cell = Cell("a", "dg_p3d", 1, {"candidates": content})
    fitted, observed = score_rows([cell]).to_dict("records")
    assert (fitted["Transitions"], fitted["States"]) == (3, 1)
    assert (fitted["Parents it takes"], observed["Parents it takes"]) == ("75.0", "25.0")
    assert (fitted["any parent"], fitted["best parent"]) == ("50.0", "75.0")
    assert (fitted["Rank correlation"], observed["Rank correlation"]) == ("1.00", "-1.00")
    assert (fitted["Lead by seed"], observed["Lead by seed"]) == ("+50.0", "")
    assert score_rows([Cell("a", "dg_p3d", 1, {})]).empty


def test_the_page_shows_what_was_measured():
    root = Path(__file__).parents[2]
    measured = list(root.glob("benchmarks/evidence/measured/*/*/*/*.json"))
    expected = {"motion": "cs", "order": "us", "ut-interaction": None}
    text = (root / "docs" / "evidence.md").read_text(encoding="utf-8")
    tables = page.blocks(read_cells(measured), expected)
    assert len(tables) == 9
    for table in tables.values():
        assert table in text


def test_a_rule_that_stops_too_early_loses_what_came_later():
    rising = [0.0, *(0.5 - 0.4 * 0.9**t for t in range(1, 41))]
    late = [0.0, *[0.25] * 25, *(0.25 + 0.02 * t for t in range(1, 16))]
    for scores, delay, trained, lost in (
        (rising, 10, "40.0 of 40", (0, 1)),
        (late, 3, "16.0 of 40", (20, 30)),
    ):
        rows = stops.stop_rows([{"start": True, "scores": scores}])
        (row,) = rows[(rows["T"] == delay) & (rows["Least epochs"] == "10 / 16")].to_dict("records")
        assert row["Epochs trained"] == trained
        assert lost[0] <= float(row["Lost, moving average (points)"]) <= lost[1]

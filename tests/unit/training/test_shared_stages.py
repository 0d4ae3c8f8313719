"""Hand-tuned strategies that share their beginnings come to the bytes of those trained alone."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from optplan.assignments import Stage, final_weights, shared_stage
from optplan.config import resolve
from optplan.planning.strategies import HandTuned, stage_name, stage_tree
from optplan.training.jobs import initialise, run_stage
from optplan.video.index import write_table

SHORT, LONG = "cs-l1-2-step-2", "cs-l1-2-step-6"
SETTINGS = {
    "data": {"format": "embedded", "name": "motion", "cache": True},
    "network": {"body": "small"},
    "states": {"clip_lengths": [4], "learning_rates": [0.02, 0.002], "snippet": 1},
    "training": {"batch_size": 4, "micro_batch": 4},
    "video": {"short_side": [16, 18], "crop": 16},
}


@pytest.fixture
def study(tmp_path) -> SimpleNamespace:
    """Settings and inputs of eight videos of noise."""
    frames = np.random.default_rng(0).integers(0, 256, (8 * 6, 18, 20, 3), dtype=np.uint8)
    np.save(tmp_path / "frames.npy", frames.reshape(-1))
    table = pd.DataFrame({"video": [f"{n}.mp4" for n in range(8)], "target": np.arange(8) % 2})
    write_table(table.assign(frames=6, height=18, width=20, subset="train"), tmp_path / "split.tsv")
    settings = resolve({"experiments": {"noise": SETTINGS}})["experiments"]["noise"]
    inputs = {"split": tmp_path / "split.tsv", "videos": tmp_path / "frames.npy"}
    initialise(SimpleNamespace(**inputs), settings, seed=1, output=tmp_path / "initial.pt")
    return SimpleNamespace(folder=tmp_path, settings=settings, inputs=inputs)


def train(study, folder: str, *strategies: str) -> dict[str, bytes]:
    """Bytes of the final weights by strategy, trained together in that folder."""
    run = study.folder / folder
    for part in stage_tree(map(HandTuned.parse, strategies)):
        before = study.folder / "initial.pt"
        if part.before:
            before = run / "strategies" / stage_name(part.before) / "weights"
        inputs = SimpleNamespace(**study.inputs, weights=before)
        job: Stage = shared_stage(part.name, part.ends, inputs)
        own = run / "strategies" / part.name
        own.mkdir(parents=True)
        outputs = {name: own / name for name in ("weights", "curve", "cost")}
        run_stage(
            inputs,
            study.settings,
            stage=job,
            seed=1,
            outputs=SimpleNamespace(**outputs),
            log=run / "logs" / "log",
        )
    found = {}
    for strategy in strategies:
        name = stage_name(HandTuned.parse(strategy).stages)
        given = {"weights": run / "strategies" / name / "weights"}
        file = final_weights(strategy, type("Inputs", (dict,), given)())
        found[strategy] = study.folder.joinpath(file).read_bytes()
    return found


def test_a_strategy_in_the_tree_has_the_bytes_of_one_trained_alone(study):
    together = train(study, "together", LONG, SHORT)
    assert together[SHORT] == train(study, "short", SHORT)[SHORT]
    assert together[LONG] == train(study, "long", LONG)[LONG]
    assert together[SHORT] != together[LONG]

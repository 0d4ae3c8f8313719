import json
from types import SimpleNamespace

import numpy as np
import pandas as pd

from optplan.config import resolve
from optplan.training.jobs import initialise, run_transition
from optplan.video.embedded import encode
from optplan.video.index import write_table

SIZES = {"frames": 8, "height": 36, "width": 36, "access": "random"}
SETTINGS = {
    "network": {"body": "small"},
    "states": {"sampling": ["cs"], "clip_lengths": [4], "learning_rates": [0.01], "snippet": 1},
    "training": {"batch_size": 4, "micro_batch": 4},
    "video": {
        "short_side": [34, 36],
        "crop": 32,
        "planning_short_side": 34,
        "evaluation_short_side": 36,
        "evaluation_crop": 36,
    },
    "knee": {"delay": 1, "min_epochs": 4, "min_epochs_start": 4, "max_epochs": 4},
}


class Inputs(SimpleNamespace):
    """What Snakemake gives to a job."""

    def get(self, name, default=None):
        return getattr(self, name, default)


def transition(folder, own: dict) -> dict[str, str]:
    """The files of the first transition on six videos, as text; test videos are not there."""
    folder.mkdir(exist_ok=True)
    subsets = ["train", "train", "train", "train", "val", "val", "test", "test"]
    rows = [
        {"video": f"{number}.mp4", "subset": subset, "target": number % 2, **SIZES}
        for number, subset in enumerate(subsets)
    ]
    for number, subset in enumerate(subsets):
        if subset != "test":  # one that is not there cannot be opened
            encode(folder / f"{number}.mp4", np.full((8, 36, 36, 3), 20 * number, np.uint8), 10)
    split = folder / "split.tsv"
    write_table(pd.DataFrame(rows), split)
    data = {"format": "folder", "root": str(folder)}
    groups = {key: group | own.get(key, {}) for key, group in SETTINGS.items()}
    settings = resolve({"experiments": {"a": {"data": data, **groups}}})["experiments"]["a"]

    weights, outputs = folder / "initial.pt", ("curve", "knee", "weights", "cost")
    initialise(Inputs(split=split), settings, seed=1, output=str(weights))
    found = folder / "transitions" / "start--cs-l1-r1"
    found.mkdir(parents=True)
    files = SimpleNamespace(**{name: str(found / name) for name in outputs})
    run_transition(
        Inputs(split=split, videos=folder, weights=weights),
        settings,
        source="start",
        target="cs-l1-r1",
        seed=1,
        outputs=files,
        log=folder / "transition.log",
    )
    assert all((found / name).stat().st_size for name in outputs)
    return {name: (found / name).read_text() for name in ("curve", "knee", "cost")}


def test_planning_opens_no_video_of_the_original_test_set(tmp_path):
    files = transition(tmp_path, {})
    assert json.loads(files["cost"])["frames_evaluated"] == 4 * 2 * 4
    assert "metric" not in json.loads(files["knee"])


def test_a_transition_trains_and_is_scored_as_in_the_released_code(tmp_path):
    own = {
        "states": {"clip_lengths": [4, 8]},
        "training": {"loss_weight": 4},
        "video": {"planning_clip": "first-longest", "augmentation": "moco"},
        "knee": {"metric": "top-1-3-5"},
    }
    files = transition(tmp_path / "own", own)
    cost, knee = json.loads(files["cost"]), json.loads(files["knee"])
    assert cost["frames_trained"] == 4 * 4 * 4  # epochs, videos, frames
    assert cost["frames_evaluated"] == 4 * 2 * 8
    assert knee["metric"] == "top-1-3-5"
    last = json.loads(files["curve"].splitlines()[-1])
    assert (last["top3"], last["top5"]) == (1.0, 1.0)
    plain = json.loads(transition(tmp_path / "plain", {})["curve"].splitlines()[-1])
    assert plain.keys() == last.keys() - {"top3", "top5"}
    assert plain["loss"] != last["loss"]

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


def test_planning_opens_no_video_of_the_original_test_set(tmp_path):
    subsets = ["train", "train", "train", "train", "val", "val", "test", "test"]
    rows = [
        {"video": f"{number}.mp4", "subset": subset, "target": number % 2, **SIZES}
        for number, subset in enumerate(subsets)
    ]
    for number, subset in enumerate(subsets):
        if subset != "test":  # one that is not there cannot be opened
            encode(tmp_path / f"{number}.mp4", np.full((8, 36, 36, 3), 20 * number, np.uint8), 10)
    split = tmp_path / "split.tsv"
    write_table(pd.DataFrame(rows), split)
    data = {"format": "folder", "root": str(tmp_path)}
    config = {"experiments": {"a": {"data": data, **SETTINGS}}}
    settings = resolve(config)["experiments"]["a"]

    weights, outputs = tmp_path / "initial.pt", ("curve", "knee", "weights", "cost")
    initialise(Inputs(split=split), settings, seed=1, output=str(weights))
    folder = tmp_path / "transitions" / "start--cs-l1-r1"
    folder.mkdir(parents=True)
    files = SimpleNamespace(**{name: str(folder / name) for name in outputs})
    run_transition(
        Inputs(split=split, videos=tmp_path, weights=weights),
        settings,
        source="start",
        target="cs-l1-r1",
        seed=1,
        outputs=files,
        log=tmp_path / "transition.log",
    )
    assert all((folder / name).stat().st_size for name in outputs)

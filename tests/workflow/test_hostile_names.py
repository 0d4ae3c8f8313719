"""Names of videos and classes are data: whatever is in them, nothing is executed or mistaken."""

import numpy as np
import pytest
from running import Workflow

from optplan.video.embedded import encode
from optplan.video.index import read_table

CLASSES = ["-n", 'it\'s "quoted" $(touch pwned)']
VIDEOS = [
    "-rf.mp4",
    "$(touch pwned).mp4",
    "`touch pwned`; touch pwned #.mp4",
    "two\nlines\tand 'quotes\".mp4",
    "{wildcards.study} %s \\n *?.mp4",
    "naïve Käse 滑雪 🎬.mp4",
]
TEST = VIDEOS[2:4]


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Workflow:
    """One state, planned, retrained and evaluated on videos with such names."""
    folder = tmp_path_factory.mktemp("it's hostile")
    for label in CLASSES:
        for subset, names in {"train": VIDEOS, "test": TEST}.items():
            for name in names:
                file = folder / "videos" / subset / label / name
                file.parent.mkdir(parents=True, exist_ok=True)
                rng = np.random.default_rng(list(f"{subset}{label}{name}".encode()))
                encode(file, rng.integers(0, 256, (8, 36, 64, 3), dtype=np.uint8), 10)
    changes = {
        "experiments": {"mine": {}},
        "defaults.data": {"format": "folder", "root": str(folder / "videos")},
        "defaults.states": {"sampling": ["cs"], "clip_lengths": [4], "learning_rates": [0.02]},
        "defaults.strategies": [],
    }
    workflow = Workflow(folder, changes)
    workflow.check()
    return workflow


def test_every_video_reaches_the_split_under_its_own_name(hostile):
    split = read_table(hostile.folder / "results/tiny/mine/data/split.tsv")
    expected = {f"train/{label}/{name}" for label in CLASSES for name in VIDEOS}
    expected |= {f"test/{label}/{name}" for label in CLASSES for name in TEST}
    assert set(split["video"]) == expected
    assert set(split["label"]) == set(CLASSES)


def test_the_tables_are_made(hostile):
    table = hostile.results("tiny/tables/comparison.md")["tiny/tables/comparison.md"]
    assert b"| planned path" in table


def test_a_second_run_counts_the_videos_and_has_nothing_to_do(hostile):
    (hostile.folder / "results/tiny/mine/seed-3/plan.yaml").unlink()
    assert "1 transitions between 1 states, 12 videos" in hostile.check("--dry-run")


def test_nothing_was_executed(hostile):
    assert not list(hostile.folder.rglob("pwned"))
    assert not list(hostile.folder.cwd().glob("pwned"))

"""Bad input is a clear error at the start, or a recorded exclusion with nothing else lost."""

from pathlib import Path

import numpy as np
import pytest
from running import Workflow

from optplan.video.embedded import encode
from optplan.video.index import read_table

DATA = "results/tiny/mine/data"
BAD = {
    "train/a/cut.mp4": "is not a video, or is cut off",
    "train/a/empty.mp4": "is empty",
    "train/b/text.mp4": "is not a video, or is cut off",
}


def write_videos(folder: Path, *names: str, frames: int = 12):
    for name in names:
        file = folder / "videos" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        rng = np.random.default_rng(list(name.encode()))
        encode(file, rng.integers(0, 256, (frames, 36, 64, 3), dtype=np.uint8), 10)


def write_bad_videos(folder: Path):
    cut, empty, text = (folder / "videos" / name for name in BAD)
    write_videos(folder, "train/a/cut.mp4")
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    empty.touch()
    text.write_text("See the other folder.\n")


def workflow_on(folder: Path, **data) -> Workflow:
    """The tiny study with the one experiment "mine", on the videos in `folder`/videos."""
    data = {"format": "folder", "root": str(folder / "videos")} | data
    settings = {"defaults.data": data, "defaults.strategies": ["cs-l2-cosine-1"]}
    return Workflow(folder, {"experiments": {"mine": {}}} | settings)


def row_of(video: str, workflow: Workflow, table: str):
    return read_table(workflow.folder / DATA / table).set_index("video").loc[video]


def failure(workflow: Workflow, *arguments: str) -> str:
    """Everything printed by a run that must not succeed."""
    status, output = workflow.run(*arguments)
    assert status == 1, output
    return output


@pytest.fixture(scope="module")
def excluding(tmp_path_factory) -> Workflow:
    """Trained with clips of 8 frames on a folder with bad videos and a video of 3 frames."""
    folder = tmp_path_factory.mktemp("excluding")
    write_videos(folder, *(f"train/{label}/{n}.mp4" for label in "ab" for n in range(3)))
    write_videos(folder, "test/a/0.mp4", "test/b/0.mp4")
    write_videos(folder, "train/a/short.mp4", frames=3)
    write_bad_videos(folder)
    workflow = workflow_on(folder, max_bad_fraction=0.3)
    workflow.check("results/tiny/mine/seed-3/strategies/cs-l2-cosine-1/cost.json")
    return workflow


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"defaults.states.learning_rate": [0.1]},
            "experiments.motion.states has no key learning_rate (did you mean learning_rates?); "
            "allowed: sampling, clip_lengths, learning_rates, ",
        ),
        (
            {"experiments.motion.data": {"format": "folder", "root": "nowhere"}},
            "experiments.motion.data.root: 'nowhere' is not a folder",
        ),
        (
            {"defaults.states.learning_rates": [0.001, 0.01]},
            "experiments.motion.states.learning_rates: [0.001, 0.01] must strictly fall, as in",
        ),
    ],
    ids=["unknown key", "missing root", "rising rates"],
)
def test_a_mistake_in_the_configuration_is_the_last_line_printed(tmp_path, changes, message):
    output = failure(Workflow(tmp_path, changes), "--dry-run")
    assert message in output.rstrip().splitlines()[-1]
    assert "Traceback" not in output


def test_an_empty_class_folder_stops_the_run_by_name(tmp_path):
    write_videos(tmp_path, "a/0.mp4")
    (tmp_path / "videos" / "b").mkdir()
    output = failure(workflow_on(tmp_path), f"{DATA}/split.tsv")
    assert f"the class folder {tmp_path}/videos/b has no videos; they must lie directly" in output


@pytest.mark.parametrize("video", BAD)
def test_a_bad_video_is_excluded_with_the_reason(excluding, video):
    row = row_of(video, excluding, "audit.tsv")
    assert (row["status"], row["error"]) == ("bad", BAD[video])


def test_nothing_but_the_bad_videos_is_excluded(excluding):
    root = excluding.folder / "videos"
    videos = {path.relative_to(root).as_posix() for path in root.glob("*/*/*.mp4")}
    assert set(read_table(excluding.folder / DATA / "audit.tsv")["video"]) == videos
    split = read_table(excluding.folder / DATA / "split.tsv")
    assert set(split["video"]) == videos - set(BAD)


def test_a_video_shorter_than_the_clip_is_looped_and_trained_on(excluding):
    row = row_of("train/a/short.mp4", excluding, "split.tsv")
    assert row["frames"] == 3
    assert row["subset"] in ("train", "val")
    assert excluding.results("tiny/mine/seed-3/strategies/cs-l2-cosine-1/weights/1.pt")


def test_too_many_bad_videos_stop_the_run_until_they_are_gone(tmp_path):
    write_videos(tmp_path, *(f"train/{label}/{n}.mp4" for label in "ab" for n in range(2)))
    write_videos(tmp_path, "test/a/0.mp4", "test/b/0.mp4")
    write_bad_videos(tmp_path)
    workflow = workflow_on(tmp_path)
    output = failure(workflow, f"{DATA}/split.tsv")
    assert "3 of 9 videos cannot be used, more than the share of 0.05" in output
    for video, reason in BAD.items():
        assert f"{video}: {reason}" in output
        (tmp_path / "videos" / video).unlink()
    workflow.check(f"{DATA}/split.tsv")  # the same command again
    assert len(read_table(tmp_path / DATA / "split.tsv")) == 6


def test_a_class_that_is_tested_but_not_trained_stops_the_run_by_name(tmp_path):
    write_videos(tmp_path, *(f"train/{label}/{n}.mp4" for label in "ab" for n in range(2)))
    write_videos(tmp_path, *(f"test/{label}/0.mp4" for label in "abc"))
    output = failure(workflow_on(tmp_path), f"{DATA}/split.tsv")
    assert "the test set has classes without a training video: 'c'" in output

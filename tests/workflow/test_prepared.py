"""Videos that are prepared are those that are trained on."""

import sys
from pathlib import Path

import pytest
from running import Workflow

from optplan.video.decoding import read_header
from optplan.video.index import read_table

sys.path.append(str(Path(__file__).parents[1] / "unit" / "video"))
from encode import encode_video

DATA = "results/tiny/mine/data"
XVID = {"codec": "mpeg4", "bf": "2"}


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> Workflow:
    """Trained on old AVI files, prepared before."""
    folder = tmp_path_factory.mktemp("prepared")
    names = [f"train/{label}/{number}.avi" for label in "ab" for number in range(3)]
    for name in [*names, "test/a/0.avi", "test/b/0.avi"]:
        video = folder / "videos" / name
        encode_video(video, height=64, width=96, seed=[*name.encode()], **XVID)
    (folder / "videos" / "train" / "a" / "empty.avi").touch()
    data = {
        "format": "folder",
        "root": str(folder / "videos"),
        "prepare": 42,
        "cache": False,
        "max_bad_fraction": 0.3,
    }
    settings = {"defaults.data": data, "defaults.strategies": ["cs-l2-cosine-1"]}
    workflow = Workflow(folder, {"experiments": {"mine": {}}} | settings)
    workflow.check("results/tiny/mine/seed-3/evaluation/cs-l2-cosine-1/metrics.json")
    return workflow


def test_the_split_keeps_its_rows_and_gets_the_new_files(prepared):
    before, after = (
        read_table(prepared.folder / DATA / name) for name in ("split.tsv", "prepared.tsv")
    )
    assert set(before["access"]) == {"sequential"}
    assert set(after["access"]) == {"random"}
    assert [f"{video}.mp4" for video in before["video"]] == list(after["video"])
    kept = ["label", "group", "subset", "target", "frames", "sha1"]
    assert after[kept].equals(before[kept])
    assert set(after["height"]) == {42}
    for video in after["video"]:
        assert read_header(prepared.folder / DATA / "prepared" / video).frames == 12


def test_the_audit_says_how_files_are_read_and_what_is_bad(prepared):
    report = (prepared.folder / DATA / "audit.md").read_text()
    assert "| all | 9 | 0 | 8 | 1 |" in report
    assert "| is empty | 1 | train/a/empty.avi |" in report
    line = "mine: 8 of 9 videos can be used, 0 by random access and 8 sequentially; 1 are bad"
    assert line in prepared.output.read_text()


def test_another_size_prepares_and_trains_again_and_the_same_one_does_not(prepared):
    target = "results/tiny/mine/seed-3/evaluation/cs-l2-cosine-1/metrics.json"
    assert "Nothing to be done" in prepared.check(target)
    text = prepared.config.read_text()
    prepared.config.write_text(text.replace("prepare: 42", "prepare: 44"))
    output = prepared.check("--dry-run", target)
    prepared.config.write_text(text)
    assert "re-encode the videos" in output
    assert "audit every video" not in output

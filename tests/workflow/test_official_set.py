"""An official data set, as it is downloaded, goes to a split; a copy that cannot be it does not."""

from collections import Counter
from pathlib import Path

import av
import numpy as np
import pytest
from running import Workflow

from optplan.video.index import read_table

DATA = "results/tiny/ucf/data"
CLASSES = {"ApplyEyeMakeup": "ApplyEyeMakeup", "HandstandPushups": "HandStandPushups"}


def encode(path: Path):
    """Six frames of noise as MPEG-4 in AVI, which UCF101 comes as."""
    rng = np.random.default_rng(list(path.name.encode()))
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25, options={"bf": "0"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for frame in rng.integers(0, 256, (6, 48, 64, 3), dtype=np.uint8):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode())


def write_ucf101(folder: Path):
    """Two classes of five groups of two videos; group 1 is tested on."""
    lists = folder / "ucfTrainTestlist"
    lists.mkdir(parents=True)
    training, test = [], []
    for number, (label, name) in enumerate(CLASSES.items(), start=1):
        for group in range(1, 6):
            for clip in (1, 2):
                video = f"{label}/v_{name}_g{group:02d}_c{clip:02d}.avi"
                encode(folder / "UCF-101" / video)
                (training if group > 1 else test).append((video, number))
    (lists / "classInd.txt").write_text("1 ApplyEyeMakeup\r\n2 HandstandPushups\r\n")
    (lists / "trainlist02.txt").write_text("".join(f"{v} {n}\r\n" for v, n in training))
    (lists / "testlist02.txt").write_text("".join(f"{v}\r\n" for v, _ in test))


def workflow_on(folder: Path, **data) -> Workflow:
    given = {
        "format": "ucf101",
        "root": str(folder / "UCF-101"),
        "annotations": str(folder / "ucfTrainTestlist"),
        "split": 2,
    }
    return Workflow(folder, {"experiments": {"ucf": {}}, "defaults.data": given | data})


@pytest.fixture(scope="module")
def ucf(tmp_path_factory) -> tuple[Workflow, str]:
    folder = tmp_path_factory.mktemp("ucf")
    write_ucf101(folder)
    workflow = workflow_on(folder)
    return workflow, workflow.check(f"{DATA}/split.tsv")


def test_the_official_test_set_is_tested_on_and_groups_stay_together(ucf):
    split = read_table(ucf[0].folder / DATA / "split.tsv")
    assert Counter(split["subset"]) == {"train": 12, "val": 4, "test": 4}
    assert all(
        ("_g01_" in v) == (s == "test")
        for v, s in zip(split["video"], split["subset"], strict=True)
    )
    assert (split.groupby("group")["subset"].nunique() == 1).all()
    assert set(split["label"]) == set(CLASSES)


def test_the_copy_is_compared_with_the_official_numbers(ucf):
    (training,) = (row for row in ucf[1].splitlines() if row.startswith("training"))
    assert training.split() == ["training", "16", "16", "9,586", "2", "8", "to", "8"]


def test_a_video_that_is_added_or_lost_is_noticed(ucf):
    workflow, _ = ucf
    assert "Nothing to be done" in workflow.check("--dry-run", f"{DATA}/split.tsv")
    lost = workflow.folder / "UCF-101" / "ApplyEyeMakeup" / "v_ApplyEyeMakeup_g02_c01.avi"
    lost.rename(lost.with_suffix(".part"))
    status, output = workflow.run(f"{DATA}/split.tsv")
    lost.with_suffix(".part").rename(lost)
    assert status == 1
    assert "1 of the 16 train videos that the lists of UCF101 name are not in" in output
    assert "\n  ApplyEyeMakeup/v_ApplyEyeMakeup_g02_c01.avi\n" in output


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"split": 4}, "data.split: 4 must be 1, 2 or 3"),
        ({"split": 1}, "data.annotations: there is no file trainlist01.txt in "),
        ({"annotations": None}, "data.annotations is missing: the folder with the lists of UCF101"),
    ],
)
def test_a_mistake_is_the_last_line_printed(ucf, tmp_path, data, message):
    folder = ucf[0].folder
    given = {"root": str(folder / "UCF-101"), "annotations": str(folder / "ucfTrainTestlist")}
    status, output = workflow_on(tmp_path, **given | data).run("--dry-run")
    assert status == 1
    assert f"experiments.ucf.{message}" in output.rstrip().splitlines()[-1]

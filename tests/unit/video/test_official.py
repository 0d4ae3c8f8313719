import csv
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from official_files import WRITERS, touch, write_hmdb51, write_kinetics

from optplan.config import SCHEMA, resolve
from optplan.video.datasets import _READERS
from optplan.video.official import DATASETS, facts, find_videos, stem

PAGE = Path(__file__).parents[3] / "docs" / "data-sets.md"
TABLE2 = SCHEMA.with_name("published") / "table2_settings.csv"
FACTS = yaml.safe_load(DATASETS.read_text())
ROWS = {
    "HMDB51": "hmdb51",
    "UCF101": "ucf101",
    "ActivityNet": "activitynet",
    "SS-V1": "something-v1",
    "SS-V2": "something-v2",
    "Kinetics-400": "kinetics400",
    "Kinetics-600": "kinetics600",
}


def data_of(name, folder, **own) -> dict:
    root, lists = WRITERS[name](folder)
    return {"format": name, "root": str(root), "annotations": str(lists)} | own


def settings_of(data, **own) -> dict:
    return resolve({"experiments": {"a": {"data": data, **own}}})["experiments"]["a"]


def test_the_facts_the_formats_and_the_readers_are_of_the_same_sets():
    formats = yaml.safe_load(SCHEMA.read_text())["$defs"]["experiment"]["properties"]["data"]
    official = set(formats["properties"]["format"]["enum"]) - {"folder", "embedded", "simulated"}
    assert official == set(FACTS) == set(_READERS) == set(ROWS.values())
    assert facts("folder") is None
    assert facts(["ucf101"]) is None


@pytest.mark.parametrize("row", list(csv.DictReader(TABLE2.open())), ids=lambda row: row["dataset"])
def test_the_facts_are_those_of_table_2(row):
    known = FACTS[ROWS[row["dataset"]]]
    states = known["settings"]["states"]
    assert known["classes"] == int(row["classes"])
    assert states["clip_lengths"] == [int(row[key]) for key in ("l1", "l2", "l3") if row[key]]
    assert states["learning_rates"] == [float(row[key]) for key in ("r1", "r2", "r3")]
    assert known["settings"]["network"]["dropout"] == float(row["dropout"])
    for split in known["splits"]:
        # Table 2 has round numbers: 6K for 6,766.
        assert sum(split.values()) == pytest.approx(int(row["videos"]), rel=0.15)
        assert known["tested"] in split


@pytest.mark.parametrize("name", FACTS)
def test_the_facts_are_defaults_beneath_the_users_own_settings(name, tmp_path):
    data = data_of(name, tmp_path)
    settings = settings_of(data)
    for group, values in FACTS[name]["settings"].items():
        for key, value in values.items():
            assert settings[group][key] == value
    own = settings_of(data, states={"clip_lengths": [8, 16]}, video={"evaluation_clips": 1})
    assert own["states"]["clip_lengths"] == [8, 16]
    assert own["states"]["learning_rates"] == FACTS[name]["settings"]["states"]["learning_rates"]
    assert own["video"]["evaluation_clips"] == 1


def test_a_plan_comes_before_the_facts(tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text("path: [{state: cs-l2-r1, epochs: 1}]\nstates: {clip_lengths: [4, 8]}\n")
    settings = settings_of(data_of("ucf101", tmp_path), plan=str(plan))
    assert settings["states"]["clip_lengths"] == [4, 8]
    assert settings["network"]["dropout"] == 0.9


@pytest.mark.parametrize("name", FACTS)
def test_the_example_of_every_set_has_the_name_that_the_start_looks_for(name, tmp_path):
    file = FACTS[name]["file"]
    data = data_of(name, tmp_path)
    own = touch(tmp_path / "own", file)
    settings_of(data | {"root": str(own)})
    other = touch(tmp_path / "other", "class/clip.mp4", "notes/00001.jpg")
    with pytest.raises(ValueError, match=r"a\.data\.root: '.*other' has no video of ") as error:
        settings_of(data | {"root": str(other)})
    assert file in str(error.value)


@pytest.mark.parametrize(
    ("name", "own", "message"),
    [
        ("ucf101", {"split": 4}, r"a\.data\.split: 4 must be 1, 2 or 3"),
        ("ucf101", {"split": 0}, r"a\.data\.split: 0 "),
        ("kinetics400", {"split": 2}, r"a\.data\.split: 2 must be 1: Kinetics-400 has a single"),
        ("ucf101", {"root": None}, r"a\.data\.root is missing: the folder with the videos of UCF"),
        ("ucf101", {"root": "no"}, r"a\.data\.root: 'no' is not a folder; .* of UCF101, such as"),
        ("ucf101", {"annotations": None}, r"a\.data\.annotations is missing: .* ucfTrainTestlist"),
        ("ucf101", {"annotations": "no"}, r"a\.data\.annotations: 'no' is not a folder; .*lists"),
        ("ucf101", {"split": 2}, r"a\.data\.annotations: there is no file trainlist02.txt in .*"),
        ("ucf101", {"index": "clips.csv"}, r"a\.data\.index: 'clips.csv' has no use with format u"),
        ("ucf101", {"format": "ucf"}, r"a\.data\.format: 'ucf' is not one of \['folder', 'hmdb51'"),
        ("ucf101", {"format": "folder"}, r"a\.data\.annotations: .* has no use with format folder"),
    ],
)
def test_a_mistake_is_named_before_anything_runs(tmp_path, name, own, message):
    with pytest.raises(ValueError, match=message):
        settings_of(data_of(name, tmp_path) | own)


def test_a_split_of_a_folder_has_no_use(tmp_path):
    with pytest.raises(ValueError, match=r"a\.data\.split: 2 has no use with format folder"):
        settings_of({"format": "folder", "root": str(tmp_path), "split": 2})


def test_every_folder_is_listed_to_the_depth_of_a_class_in_a_subset(tmp_path):
    videos = ["a.mp4", "b/c.WEBM", "train/the class/d.avi", "日本/e [x] (y).mkv"]
    touch(tmp_path, *videos, ".hidden/a.mp4", "b/.c.mp4", "b/c.txt", "1/2/3/deep.mp4", "noending")
    (tmp_path / "linked").symlink_to(tmp_path / "b")
    (tmp_path / "gone.mp4").symlink_to(tmp_path / "nowhere")
    found = [*videos, "linked/c.WEBM", "gone.mp4"]
    assert sorted(find_videos("kinetics400", tmp_path)) == sorted(found)


def test_of_frame_folders_only_the_names_are_listed(tmp_path):
    touch(tmp_path, "12/00001.jpg", "3/00001.jpg", "labels.csv", ".cache/1", "4.mp4")
    assert sorted(find_videos("something-v1", tmp_path)) == ["12", "3"]


@pytest.mark.parametrize(
    ("file", "expected"), [("a.b.AVI", "a.b"), ("a.b", "a.b"), ("100218", "100218"), ("", "")]
)
def test_the_stem_is_without_the_ending_of_a_video(file, expected):
    assert stem(file) == expected


def test_what_a_dry_run_asks_needs_neither_pandas_nor_torch():
    program = "import sys, optplan.video.official; print({'pandas', 'torch'} & {*sys.modules})"
    command = [sys.executable, "-c", program]
    assert subprocess.run(command, capture_output=True, text=True).stdout == "set()\n"


EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_examples_of_the_page_are_valid_configurations(example, tmp_path):
    config = yaml.safe_load(example)
    (experiment,) = config["experiments"].values()
    written = data_of(experiment["data"]["format"], tmp_path)
    assert written.keys() <= experiment["data"].keys()
    experiment["data"] |= written
    resolve(config)


def test_the_page_has_the_official_numbers_and_an_example_of_every_set():
    page = PAGE.read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([\w-]+)` \| (\d.*) \|$", page, re.MULTILINE))
    assert rows.keys() == FACTS.keys()
    for name, known in FACTS.items():
        assert f"format: {name}" in page
        classes, *numbers = (cell.strip() for cell in rows[name].split("|")[:3])
        assert int(classes) == known["classes"]
        for subset, cell in zip(("training", known["tested"]), numbers, strict=True):
            official = [f"{split[subset]:,}" for split in known["splits"]]
            assert set(re.findall(r"\d+,\d+", cell)) == set(official)


@pytest.mark.parametrize("name", FACTS)
def test_the_guide_to_the_configuration_has_the_defaults_of_every_set(name):
    guide = SCHEMA.with_name("README.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| [^|]*`{name}`[^|]*\| (.*) \|$", guide, re.MULTILINE)
    settings = FACTS[name]["settings"]
    expected = [
        ", ".join(map(str, settings["states"]["clip_lengths"])),
        ", ".join(map(str, settings["states"]["learning_rates"])),
        str(settings["network"]["dropout"]),
        str(settings["video"]["flip"]).lower(),
        str(settings["video"]["evaluation_clips"]),
        str(settings.get("data", {}).get("max_missing_fraction", 0)),
    ]
    assert row.split(" | ") == expected


@pytest.mark.parametrize("write", [write_hmdb51, write_kinetics])
def test_the_lists_may_lie_in_the_folder_of_the_videos(tmp_path, write):
    name = "hmdb51" if write is write_hmdb51 else "kinetics600"
    root, lists = write(tmp_path)
    for file in lists.iterdir():
        file.rename(root / file.name)
    settings_of({"format": name, "root": str(root), "annotations": str(root)})

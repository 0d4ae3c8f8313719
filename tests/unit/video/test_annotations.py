"""The lists of each official data set, and what is wrong with them."""

import pytest
from official_files import (
    HMDB51,
    KINETICS,
    SOMETHING,
    WRITERS,
    hmdb51_videos,
    index_of,
    kinetics_clip,
    segment,
    subsets,
    touch,
    ucf101_videos,
    write,
    write_activitynet,
    write_hmdb51,
    write_kinetics,
    write_something_v1,
    write_something_v2,
    write_ucf101,
)

from optplan.video.datasets import index_official


def test_hmdb51_has_codes_for_training_test_and_unused_videos(tmp_path, caplog):
    index = index_of("hmdb51", write_hmdb51(tmp_path))
    assert subsets(index) == {"train": 24, "test": 12}
    for label in HMDB51:
        for name, subset in hmdb51_videos(label).items():
            if subset == "unused":
                assert f"{label}/{name}" not in index.index
            else:
                assert index.loc[f"{label}/{name}", ["label", "subset"]].tolist() == [label, subset]
    assert not caplog.text  # those that are not used are known


def test_hmdb51_groups_are_films_across_classes(tmp_path):
    index = index_of("hmdb51", write_hmdb51(tmp_path))
    films = {
        name.partition("_sit_")[0] for name, s in hmdb51_videos("sit").items() if s != "unused"
    }
    assert set(index["group"]) == films
    assert index.groupby("group")["label"].nunique().eq(len(HMDB51)).all()


def test_an_hmdb51_name_without_a_film_is_its_own_group(tmp_path):
    root, lists = write_hmdb51(tmp_path)
    write(lists / "wave_test_split1.txt", "strange name.avi 1\n")
    touch(root, "wave/strange name.avi")
    index = index_of("hmdb51", (root, lists))
    assert index.loc["wave/strange name.avi", "group"] == "wave/strange name.avi"


def test_hmdb51_names_may_be_the_same_in_two_classes(tmp_path):
    root, lists = tmp_path / "videos", tmp_path / "lists"
    for label in HMDB51:
        write(lists / f"{label}_test_split1.txt", "a.avi 1\nb.avi 2\n")
        touch(root, f"{label}/a.avi", f"{label}/b.avi")
    index = index_of("hmdb51", (root, lists))
    assert index.loc["sit/a.avi", "label"] == "sit"
    assert len(index) == 2 * len(HMDB51)


@pytest.mark.parametrize("line", ["a.avi 3", "a.avi", "1"])
def test_an_hmdb51_line_that_is_not_a_video_and_a_code_is_named(tmp_path, line):
    root, lists = write_hmdb51(tmp_path)
    write(lists / "sit_test_split1.txt", f"\n{line}\n")
    with pytest.raises(ValueError, match=rf"sit_test_split1.txt: line 2, '{line}', is not a video"):
        index_official("hmdb51", root, lists)


def test_ucf101_groups_are_those_of_each_class(tmp_path):
    index = index_of("ucf101", write_ucf101(tmp_path))
    assert subsets(index) == {"train": 18, "test": 12}
    assert set(index["label"]) == {"ApplyEyeMakeup", "HandstandPushups"}
    assert index["group"].nunique() == 2 * 5
    assert (index.groupby("group")["label"].nunique() == 1).all()
    assert (index.groupby("group").size() == 3).all()


@pytest.mark.parametrize("folder", ["", "HandstandPushups", "HandStandPushups", "UCF-101/any"])
def test_ucf101_videos_are_found_by_name_in_any_folder(tmp_path, folder):
    _, lists = write_ucf101(tmp_path)
    root = tmp_path / "other"
    for label in ("ApplyEyeMakeup", "HandstandPushups"):
        touch(root, *(str(tmp_path / "other" / folder / v) for v in ucf101_videos(label)))
    index = index_of("ucf101", (root, lists))
    video = f"{folder}/v_HandstandPushups_g03_c01.avi".strip("/")
    assert index.loc[video].tolist() == ["HandstandPushups", "v_HandStandPushups_g03", "train"]


@pytest.mark.parametrize(
    ("line", "file"),
    [
        ("ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 2", "trainlist01.txt"),
        ("Apply/v_ApplyEyeMakeup_g08_c01.avi 1", "trainlist01.txt"),
        ("ApplyEyeMakeup/apply.avi", "testlist01.txt"),
        ("ApplyEyeMakeup", "classInd.txt"),
    ],
)
def test_a_ucf101_line_that_contradicts_the_list_of_classes_is_named(tmp_path, line, file):
    root, lists = write_ucf101(tmp_path)
    write(lists / file, f"1 ApplyEyeMakeup\n{line}\n" if file == "classInd.txt" else f"{line}\n")
    with pytest.raises(ValueError, match=rf"{file}: line \d, '{line}', "):
        index_official("ucf101", root, lists)


def test_activitynet_tests_on_the_validation_videos_with_any_ending(tmp_path):
    index = index_of("activitynet", write_activitynet(tmp_path))
    assert subsets(index) == {"train": 4, "test": 2}
    assert {video.rpartition(".")[2] for video in index.index} == {"mp4", "mkv", "webm"}


def test_an_activitynet_video_of_several_classes_counts_for_the_longest(tmp_path, caplog):
    several = [segment(label, 0, n) for label, n in (("Long jump", 5), *2 * [("Cheerleading", 3)])]
    equal = [segment("Long jump", 0, 5), segment("Cheerleading", 5, 10)]
    longest = [segment("Long jump", 0, 5), segment("Cheerleading", 5, 11)]
    videos = {"several____": several, "equal______": equal, "longest____": longest}
    entries = {v: {"subset": "training", "annotations": a} for v, a in videos.items()}
    root, lists = write_activitynet(tmp_path, **entries)
    labels = index_of("activitynet", (root, lists)).groupby(lambda v: v[2:13])["label"].first()
    assert labels["several____"] == "Cheerleading"  # twice 3 seconds are longer than 5
    assert labels["equal______"] == "Long jump"
    assert labels["longest____"] == "Cheerleading"
    assert "3 videos have several classes, first several____" in caplog.text


@pytest.mark.parametrize(
    "text", ['{"taxonomy": []}', '{"database": []}', '{"database": {"a": {}}}']
)
def test_json_that_is_not_the_database_of_activitynet_is_named(tmp_path, text):
    folder = write(tmp_path / "activity_net.v1-3.min.json", text)
    with pytest.raises(ValueError, match=r"v1-3.min.json is not the database of ActivityNet"):
        index_official("activitynet", tmp_path, folder)


def test_json_that_is_cut_off_is_named(tmp_path):
    root, lists = write_activitynet(tmp_path)
    file = lists / "activity_net.v1-3.min.json"
    file.write_text(file.read_text()[:-5])
    with pytest.raises(ValueError, match=r"v1-3.min.json is not JSON, or is cut off"):
        index_official("activitynet", root, lists)


@pytest.mark.parametrize("prefix", ["something-something-v1-", ""])
def test_something_v1_videos_are_folders(tmp_path, prefix):
    index = index_of("something-v1", write_something_v1(tmp_path, prefix))
    assert subsets(index) == {"train": 8, "test": 4}
    assert index.loc["9"].tolist() == [SOMETHING[1], "9", "test"]
    assert {"12", "13", "9/00001.jpg"}.isdisjoint(index.index)


@pytest.mark.parametrize("prefix", ["something-something-v2-", ""])
def test_something_v2_labels_are_the_templates_without_brackets(tmp_path, prefix):
    index = index_of("something-v2", write_something_v2(tmp_path, prefix))
    assert subsets(index) == {"train": 8, "test": 4}
    assert index.loc["8.webm"].tolist() == [SOMETHING[0], "8.webm", "test"]


@pytest.mark.parametrize("name", ["something-v1", "something-v2"])
def test_a_class_that_is_not_in_the_list_of_classes_is_named(tmp_path, name):
    root, lists = WRITERS[name](tmp_path)
    (labels,) = lists.glob("*labels.*")
    labels.write_text(labels.read_text().replace("dropping", "catching"))
    with pytest.raises(ValueError, match=f"train.*: the class {SOMETHING[1]!r} is not in .*labels"):
        index_official(name, root, lists)


@pytest.mark.parametrize(
    "layout", ["{subset}/{label}", "{subset}", "{label}", "", "compressed/{label}"]
)
def test_kinetics_videos_are_found_in_every_common_layout(tmp_path, layout):
    index = index_of("kinetics400", write_kinetics(tmp_path, layout))
    assert subsets(index) == {"train": 8, "test": 4}
    place = layout.format(subset="validate", label=KINETICS[1])
    video = f"{place}/{kinetics_clip(9)}.mp4".strip("/")
    assert index.loc[video].tolist() == [KINETICS[1], "-a_00000009", "test"]


def test_kinetics_folders_may_have_underscores(tmp_path):
    root, lists = write_kinetics(tmp_path, "{label}")
    (root / KINETICS[0]).rename(root / KINETICS[0].replace(" ", "_"))
    index = index_of("kinetics600", (root, lists))
    assert index.loc[f"massaging_person's_head/{kinetics_clip(0)}.mp4", "label"] == KINETICS[0]


def test_a_kinetics_row_without_a_label_is_not_used(tmp_path):
    root, lists = write_kinetics(tmp_path)
    with (lists / "train.csv").open("a") as file:
        file.write(f"\n,-a_{12:08d},7,17,train\n\n")
    assert subsets(index_of("kinetics400", (root, lists))) == {"train": 8, "test": 4}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("label,id\n", r"train.csv has no column 'youtube_id', only label, id"),
        ("", r"train.csv has no column 'label'"),
        ("label,youtube_id,time_start,time_end\na,b,c,2\n", "train.csv: line 2, a,b,c,2, is not"),
        ("label,youtube_id,time_start,time_end\na,b,1\n", "train.csv: line 2, a,b,1, is not"),
    ],
)
def test_a_kinetics_list_that_is_not_one_is_named(tmp_path, text, message):
    root, lists = write_kinetics(tmp_path)
    write(lists / "train.csv", text)
    with pytest.raises(ValueError, match=message):
        index_official("kinetics400", root, lists)

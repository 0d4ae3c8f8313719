import logging
import unicodedata

import pytest
from official_files import (
    KINETICS,
    WRITERS,
    index_of,
    kinetics_clip,
    subsets,
    touch,
    write,
    write_hmdb51,
    write_kinetics,
    write_ucf101,
)

from optplan.video.datasets import index_official, summary
from optplan.video.splits import split_videos


def audited(index):
    return index.assign(status="ok", sha1=index["video"])


@pytest.mark.parametrize("name", WRITERS)
def test_every_set_goes_from_its_lists_to_a_split_that_keeps_the_test_set_and_groups(
    name, tmp_path
):
    index, _ = index_official(name, *WRITERS[name](tmp_path))
    given = set(index["video"][index["subset"] == "test"])
    split = split_videos(audited(index), seed=1)
    assert given
    assert set(split["video"][split["subset"] == "test"]) == given
    assert set(split["video"]) == set(index["video"])
    planned = split[split["subset"] != "test"]
    sides = planned.groupby("group")["subset"].nunique()
    assert set(split["subset"]) == {"train", "val", "test"}
    assert (sides == 1).all()
    counts = planned.groupby("group").size()
    assert (counts > 1).any() or name not in ("hmdb51", "ucf101")


def test_every_official_split_has_lists_of_its_own(tmp_path):
    root, lists = write_hmdb51(tmp_path, split=1)
    write(lists / "sit_test_split2.txt", "a_sit_u_nm_np1_ba_goo_0.avi 2\n")
    write(lists / "wave_test_split2.txt", "b_wave_u_nm_np1_ba_goo_0.avi 1\n")
    touch(root, "sit/a_sit_u_nm_np1_ba_goo_0.avi", "wave/b_wave_u_nm_np1_ba_goo_0.avi")
    assert subsets(index_of("hmdb51", (root, lists), split=2)) == {"test": 1, "train": 1}
    with pytest.raises(ValueError, match=r"no file \*_test_split3.txt in .*testTrainMulti_7030"):
        index_official("hmdb51", root, lists, split=3)


def test_videos_that_were_encoded_again_have_another_ending(tmp_path):
    root, lists = write_ucf101(tmp_path)
    for video in sorted(root.rglob("*.avi")):
        video.rename(video.with_suffix(".mp4"))
    assert len(index_of("ucf101", (root, lists))) == 30


def test_a_video_missing_from_the_web_is_left_out_and_reported(tmp_path, caplog):
    root, lists = write_kinetics(tmp_path)
    for number in (3, 5):
        (root / "train" / KINETICS[1] / f"{kinetics_clip(number)}.mp4").unlink()
    index, missing = index_official("kinetics400", root, lists, max_missing_fraction=0.25)
    assert subsets(index) == {"train": 6, "test": 4}
    assert missing.to_dict("list") == {
        "file": [f"{kinetics_clip(3)}.mp4", f"{kinetics_clip(5)}.mp4"],
        "label": [KINETICS[1], KINETICS[1]],
        "subset": ["train", "train"],
    }
    assert "2 of 12 listed videos are not there and left out, first -a_00000003" in caplog.text
    with pytest.raises(
        ValueError, match=r"2 of the 8 train .* share of 0.24 that data.max_missing"
    ):
        index_official("kinetics400", root, lists, max_missing_fraction=0.24)


def test_a_test_set_that_is_missing_is_an_error_whatever_the_training_set(tmp_path):
    root, lists = write_kinetics(tmp_path)
    for number in range(8, 12):
        (root / "validate" / KINETICS[number % 2] / f"{kinetics_clip(number)}.mp4").unlink()
    with pytest.raises(ValueError, match=r"4 of the 4 test videos that the lists of Kinetics-400"):
        index_official("kinetics400", root, lists, max_missing_fraction=0.5)


@pytest.mark.parametrize("name", WRITERS)
def test_missing_videos_stop_the_run_with_the_first_names_and_what_to_do(tmp_path, name):
    _, lists = WRITERS[name](tmp_path)
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"of the \d+ train videos .*\n  .*\n") as error:
        index_official(name, tmp_path / "empty", lists, max_missing_fraction=0.9)
    assert "Is data.root right? It must have files such as" in str(error.value)


def test_files_that_are_not_listed_are_counted(tmp_path, caplog):
    root, lists = write_ucf101(tmp_path)
    touch(root, "ApplyEyeMakeup/v_ApplyEyeMakeup_g26_c01.avi", "ApplyEyeMakeup/._x.avi", "a.txt")
    with caplog.at_level(logging.WARNING):
        index_of("ucf101", (root, lists))
    assert "1 videos in" in caplog.text
    assert "first ApplyEyeMakeup/v_ApplyEyeMakeup_g26_c01.avi" in caplog.text


def test_of_a_video_that_is_there_twice_the_first_is_taken_and_the_other_named(tmp_path, caplog):
    root, lists = write_kinetics(tmp_path)
    copy = f"replacement/{kinetics_clip(0)}.mp4"
    touch(root, copy)
    index = index_of("kinetics400", (root, lists))
    assert copy in index.index
    assert "1 videos are there more than once" in caplog.text
    assert f"is taken, not train/{KINETICS[0]}/" in caplog.text


def test_a_video_in_both_lists_is_an_error_but_a_row_given_twice_is_not(tmp_path):
    root, lists = write_ucf101(tmp_path)
    training = (lists / "trainlist01.txt").read_text()
    line = training.splitlines()[0]
    write(lists / "trainlist01.txt", training + line + "\n")
    assert len(index_of("ucf101", (root, lists))) == 30
    with (lists / "testlist01.txt").open("a") as file:
        file.write(line.partition(" ")[0])
    with pytest.raises(ValueError, match=r"g03_c01.avi twice: in train as .*, and in test as"):
        index_official("ucf101", root, lists)


def test_names_are_the_same_in_any_unicode_form(tmp_path):
    root, lists = write_hmdb51(tmp_path)
    renamed = 0
    for video in sorted(root.rglob("*Am*")):
        decomposed = unicodedata.normalize("NFD", video.name)
        renamed += decomposed != video.name
        video.rename(video.with_name(decomposed))
    assert renamed == 6
    assert len(index_of("hmdb51", (root, lists))) == 36


def test_a_list_that_is_not_utf8_is_named(tmp_path):
    root, lists = write_ucf101(tmp_path)
    (lists / "classInd.txt").write_bytes("1 Café".encode("latin-1"))
    with pytest.raises(ValueError, match=r"classInd.txt is not UTF-8"):
        index_official("ucf101", root, lists)


def test_two_lists_of_the_same_kind_are_an_error(tmp_path):
    root, lists = write_kinetics(tmp_path)
    touch(lists, "val.csv", "._train.csv")
    with pytest.raises(
        ValueError, match=r"has val.csv and validate.csv; which is the list of test"
    ):
        index_official("kinetics400", root, lists)


def test_the_summary_shows_the_copy_beside_the_official_numbers(tmp_path):
    root, lists = write_kinetics(tmp_path)
    (root / "train" / KINETICS[1] / f"{kinetics_clip(3)}.mp4").unlink()
    found = index_official("kinetics400", root, lists, max_missing_fraction=0.2)
    *_, training, validation = summary("kinetics400", 1, *found).splitlines()
    assert training.split() == ["training", "8", "7", "240,000", "2", "3", "to", "4"]
    assert validation.split() == ["validation", "4", "4", "20,000", "2", "2", "to", "2"]
    assert "official (about)" in summary("kinetics400", 1, *found)
    assert "officially 400 classes" in summary("kinetics400", 1, *found)


def test_the_summary_names_the_split(tmp_path):
    found = index_official("ucf101", *write_ucf101(tmp_path, split=3), split=3)
    assert "UCF101, split 3 of 3, officially 101 classes" in summary("ucf101", 3, *found)
    assert "3,696" in summary("ucf101", 3, *found)

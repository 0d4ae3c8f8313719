import logging
import unicodedata

import pandas as pd
import pytest

from optplan.video.index import index_folder, read_table, write_table

STRANGE = ["-dash", "two  words ", 'a "quote"', "tab\there", "new\nline", "cr\rhere", "日本", "#;,"]


def lay_out(root, *videos):
    for video in videos:
        path = root / video
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_videos_are_listed_by_class_folder_sorted_with_themselves_as_group(tmp_path):
    lay_out(tmp_path, "run/b.AVI", "run/a.mp4", "jump/c.webm")
    index = index_folder(tmp_path)
    assert index.to_dict("list") == {
        "video": ["jump/c.webm", "run/a.mp4", "run/b.AVI"],
        "label": ["jump", "run", "run"],
        "group": ["jump/c.webm", "run/a.mp4", "run/b.AVI"],
        "subset": ["", "", ""],
    }


@pytest.mark.parametrize("test", ["test", "val", "validation"])
def test_train_and_test_folders_give_the_subset(tmp_path, test):
    lay_out(tmp_path, "train/run/a.mp4", "train/jump/a.mp4", f"{test}/run/b.mp4")
    index = index_folder(tmp_path)
    assert dict(zip(index["video"], index["subset"], strict=True)) == {
        "train/jump/a.mp4": "train",
        "train/run/a.mp4": "train",
        f"{test}/run/b.mp4": "test",
    }


@pytest.mark.parametrize("validation", ["val", "validation"])
def test_three_folders_give_validation_videos_too(tmp_path, validation):
    lay_out(tmp_path, "train/run/a.mp4", "test/jump/b.mp4", f"{validation}/run/c.mp4")
    index = index_folder(tmp_path)
    assert list(index["subset"]) == ["test", "train", "val"]


def test_classes_may_be_called_train_and_test(tmp_path):
    lay_out(tmp_path, "train/a.mp4", "test/b.mp4")
    assert set(index_folder(tmp_path)["label"]) == {"train", "test"}


def test_hidden_files_are_skipped_and_other_files_are_counted(tmp_path, caplog):
    lay_out(tmp_path, "run/a.mp4", "run/._a.mp4", "run/notes.txt", "jump/b.mp4", ".git/x.mp4")
    with caplog.at_level(logging.WARNING):
        assert len(index_folder(tmp_path)) == 2
    assert "ignored 1 files that are not videos" in caplog.text
    assert "notes.txt" in caplog.text


def test_links_are_followed_and_dangling_ones_kept_for_the_audit(tmp_path):
    lay_out(tmp_path / "elsewhere", "run/a.mp4")
    root = lay_out(tmp_path / "root", "jump/b.mp4")
    (root / "run").symlink_to(tmp_path / "elsewhere" / "run")
    (root / "jump" / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    assert list(index_folder(root)["video"]) == ["jump/b.mp4", "jump/gone.mp4", "run/a.mp4"]


@pytest.mark.parametrize(
    ("videos", "message"),
    [
        ([], "has no class folders"),
        (["run/a.mp4"], r"has 1 class \(run\)"),
        (["run/a.mp4", "jump/notes.txt"], "class folder .*jump has no videos"),
        (["run/a.mp4", "jump/deeper/b.mp4"], "class folder .*jump has no videos"),
        (["run/a.mp4", "Run/b.mp4"], "'Run' and 'run' .* differ only in case"),
        (["run/a.mp4", "jump/b.mp4", "c.mp4"], r"1 videos lie directly in .*first: c.mp4"),
        (["a.mp4", "b.mp4"], "must lie in the folder of its class"),
        (["train/run/a.mp4", "test/run/b.mp4", "old/run/c.mp4"], "'old' beside 'train' and 'test'"),
        (["train/run/a.mp4", "test/b.mp4"], "test has no class folders"),
    ],
)
def test_a_folder_that_is_not_laid_out_as_described_is_an_error(tmp_path, videos, message):
    with pytest.raises(ValueError, match=message):
        index_folder(lay_out(tmp_path, *videos))


def test_a_missing_folder_is_an_error_naming_it(tmp_path):
    with pytest.raises(ValueError, match="no-such-folder does not exist"):
        index_folder(tmp_path / "no-such-folder")


def test_class_names_that_differ_only_in_unicode_form_are_an_error(tmp_path):
    names = [unicodedata.normalize(form, "é") for form in ("NFC", "NFD")]
    lay_out(tmp_path, *(f"{name}/a.mp4" for name in names))
    with pytest.raises(ValueError, match="is it one class"):
        index_folder(tmp_path)


def test_a_file_name_that_is_not_utf8_is_an_error(tmp_path):
    lay_out(tmp_path, "run/a.mp4", "jump/caf\udce9.mp4")
    with pytest.raises(ValueError, match="not UTF-8"):
        index_folder(tmp_path)


def with_index_file(tmp_path, text, *videos, name="index.csv"):
    root = lay_out(tmp_path / "root", *(videos or ["run/a.mp4", "run/b.mp4", "jump/c.mp4"]))
    (tmp_path / name).write_text(text, encoding="utf-8-sig")
    return root, tmp_path / name


def test_an_index_file_may_give_validation_videos(tmp_path):
    text = "file,subset\nrun/a.mp4,val\nrun/b.mp4,test\njump/c.mp4,train\n"
    index = index_folder(*with_index_file(tmp_path, text))
    assert list(index["subset"]) == ["train", "val", "test"]


def test_an_index_file_gives_groups_and_labels_and_subsets(tmp_path):
    text = (
        "file,label,name,sequence,subset\n"
        "run/a.mp4,0,Running,s1,train\n"
        "./run/b.mp4,0,Running,,val\n"
        "\n"
        "jump/c.mp4,1,Jumping,s1,train\n"
    )
    index = index_folder(*with_index_file(tmp_path, text), group_column="sequence")
    assert index.to_dict("list") == {
        "video": ["jump/c.mp4", "run/a.mp4", "run/b.mp4"],
        "label": ["Jumping", "Running", "Running"],
        "group": ["s1", "s1", "run/b.mp4"],
        "subset": ["train", "train", "test"],
    }


def test_an_index_file_without_labels_keeps_the_folder_names(tmp_path):
    text = "video\tgroup\nrun/a.mp4\tg\nrun/b.mp4\tg\njump/c.mp4\tNA\n"
    index = index_folder(*with_index_file(tmp_path, text, name="index.tsv"))
    assert list(index["label"]) == ["jump", "run", "run"]
    assert list(index["group"]) == ["NA", "g", "g"]


def test_with_labels_in_the_index_file_all_videos_may_lie_in_one_folder(tmp_path):
    text = "video,label\nx.mp4,001\ny.mp4,nan\n"
    index = index_folder(*with_index_file(tmp_path, text, "x.mp4", "y.mp4"))
    assert list(index["label"]) == ["001", "nan"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("video\nrun/a.mp4\nrun/b.mp4\n", "'jump/c.mp4' is under .* not listed"),
        (
            "video\nrun/a.mp4\nrun/b.mp4\njump/c.mp4\nrun/z.mp4\nrun/y.mp4\n",
            r"'run/y.mp4' \(and 1 more\) is listed in .*index.csv but is not under",
        ),
        ("video\nrun/a.mp4\nrun/a.mp4\nrun/b.mp4\njump/c.mp4\n", "listed more than once"),
        ("clip\nrun/a.mp4\n", "no column 'video' or 'file', only clip"),
        ("", "no column 'video' or 'file'"),
        ("video,label\nrun/a.mp4\n", "row 2 has 1 fields, expected 2"),
        (
            "video,subset\nrun/a.mp4,trian\nrun/b.mp4,test\njump/c.mp4,\n",
            "subset 'trian' is not one of 'train', 'val', 'test' or empty",
        ),
        ("video,name\nrun/a.mp4,\nrun/b.mp4,x\njump/c.mp4,y\n", "'run/a.mp4' .*empty class"),
    ],
)
def test_an_index_file_that_does_not_fit_the_folder_is_an_error(tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        index_folder(*with_index_file(tmp_path, text))


def test_a_group_column_that_is_not_there_is_an_error_naming_those_that_are(tmp_path):
    root, path = with_index_file(tmp_path, "video,source\nrun/a.mp4,1\n")
    with pytest.raises(ValueError, match="no group column 'sequence', only video, source"):
        index_folder(root, path, group_column="sequence")


def test_a_missing_index_file_is_an_error(tmp_path):
    with pytest.raises(ValueError, match=r"index.csv does not exist"):
        index_folder(tmp_path, tmp_path / "index.csv")


def test_strange_names_survive_the_round_trip(tmp_path):
    lay_out(tmp_path / "root", *(f"{name}/{name}.mp4" for name in STRANGE))
    index = index_folder(tmp_path / "root")
    assert sorted(index["label"]) == sorted(STRANGE)
    write_table(index, tmp_path / "index.tsv")
    pd.testing.assert_frame_equal(read_table(tmp_path / "index.tsv"), index)


def test_text_stays_text_and_numbers_stay_exact(tmp_path):
    table = pd.DataFrame(
        {
            "label": ["001", "nan", "NA", "true", "", "1e5", "None"],
            "frames": range(7),
            "fps": [0.1 + 0.2, 1 / 3, 29.97002997002997, 0.0, 1e-9, 25.0, 1e300],
        }
    )
    write_table(table, tmp_path / "table.tsv")
    read = read_table(tmp_path / "table.tsv")
    assert read.to_dict("list") == table.to_dict("list")
    assert read.dtypes.map(lambda dtype: dtype.kind).tolist() == ["O", "i", "f"]


def test_a_table_without_rows_keeps_its_columns(tmp_path):
    write_table(pd.DataFrame({"video": [], "frames": []}), tmp_path / "table.tsv")
    assert list(read_table(tmp_path / "table.tsv").columns) == ["video", "frames"]

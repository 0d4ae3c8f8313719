import logging
from collections import Counter

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from optplan.video.splits import split_videos


def audit_of(labels, groups=None, subsets="", copies=None):
    videos = [f"v{i:04}" for i in range(len(labels))]
    return pd.DataFrame(
        {
            "video": videos,
            "label": labels,
            "group": videos if groups is None else groups,
            "subset": subsets,
            "status": "ok",
            "sha1": videos if copies is None else copies,
        }
    )


def counts(table):
    return {subset: Counter(rows["label"]) for subset, rows in table.groupby("subset")}


def groups_of(table, subset):
    return set(table["group"][table["subset"] == subset])


def test_without_groups_every_class_is_divided_exactly():
    table = split_videos(audit_of(["a"] * 40 + ["b"] * 20), seed=0)
    assert counts(table) == {
        "train": {"a": 20, "b": 10},
        "val": {"a": 10, "b": 5},
        "test": {"a": 10, "b": 5},
    }


def test_targets_number_the_sorted_class_names():
    table = split_videos(audit_of(["b", "B", "a", "10", "9"] * 4), seed=0)
    assert table.groupby("label")["target"].unique().map(list).to_dict() == {
        "10": [0],
        "9": [1],
        "B": [2],
        "a": [3],
        "b": [4],
    }


def test_groups_that_span_all_classes_are_left_out_whole():
    labels = [label for _ in range(20) for label in "abcdef"]
    table = split_videos(audit_of(labels, [str(i // 6) for i in range(120)]), seed=3)
    assert {s: len(groups_of(table, s)) for s in ("train", "val", "test")} == {
        "train": 10,
        "val": 5,
        "test": 5,
    }
    assert counts(table)["test"] == dict.fromkeys("abcdef", 5)


@settings(deadline=None, max_examples=60)
@given(
    rows=st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 15)), min_size=6, max_size=80),
    seed=st.integers(0, 5),
    fraction=st.sampled_from([0.1, 0.25, 0.4]),
    shared=st.booleans(),
)
def test_groups_stay_whole_and_every_video_is_used_once(rows, seed, fraction, shared):
    labels = [label for label, _ in rows]
    groups = [str(number) if shared else f"{label}{number}" for label, number in rows]
    per_label = {
        label: {g for x, g in zip(labels, groups, strict=True) if x == label} for label in labels
    }
    assume(any(len(found) >= 3 for found in per_label.values()))
    try:
        table = split_videos(audit_of(labels, groups), seed=seed, test_fraction=fraction)
    except ValueError:
        # Groups that span classes may be so entangled that no division exists.
        assert shared
        return
    assert sorted(table["video"]) == [f"v{i:04}" for i in range(len(rows))]
    train, val, test = (groups_of(table, subset) for subset in ("train", "val", "test"))
    assert len(train | val | test) == len(train) + len(val) + len(test)
    if not shared:
        found = counts(table)
        for label, its_groups in per_label.items():
            assert found["train"][label]
            assert bool(found["test"][label]) == (len(its_groups) >= 2)
            assert bool(found["val"][label]) == (len(its_groups) >= 3)


@settings(deadline=None, max_examples=30)
@given(
    sizes=st.lists(st.integers(20, 60), min_size=2, max_size=5),
    largest=st.integers(1, 4),
    seed=st.integers(0, 5),
)
def test_sizes_are_within_one_group_of_the_wanted_ones(sizes, largest, seed):
    labels = [f"c{c}" for c, size in enumerate(sizes) for _ in range(size)]
    groups = [f"c{c}g{i // largest}" for c, size in enumerate(sizes) for i in range(size)]
    table = split_videos(audit_of(labels, groups), seed=seed, test_fraction=0.25)
    found = counts(table)
    assert abs(found["test"].total() - 0.25 * len(labels)) <= largest
    assert abs(found["val"].total() - found["test"].total()) <= largest
    for c, size in enumerate(sizes):
        assert abs(found["test"][f"c{c}"] - 0.25 * size) <= largest + 1


def test_the_split_depends_on_the_seed_and_not_on_the_order_of_the_rows():
    audit = audit_of(["a", "b"] * 30, [str(i // 4) for i in range(60)])
    table = split_videos(audit, seed=1)
    shuffled = split_videos(audit.sample(frac=1, random_state=0), seed=1)
    pd.testing.assert_frame_equal(table, shuffled)
    assert not table["subset"].equals(split_videos(audit, seed=2)["subset"])


def test_videos_with_the_same_content_never_sit_on_both_sides():
    copies = [str(i % 15) for i in range(60)]
    table = split_videos(audit_of(["a", "b"] * 30, copies=copies), seed=0)
    assert (table.groupby("sha1")["subset"].nunique() == 1).all()


def test_a_given_test_set_is_kept_and_sets_the_size_of_the_validation_set():
    subsets = ["test"] * 8 + ["train"] * 32
    table = split_videos(audit_of(["a", "b"] * 20, subsets=subsets), seed=0)
    assert list(table["video"][table["subset"] == "test"]) == [f"v{i:04}" for i in range(8)]
    assert counts(table)["val"] == {"a": 4, "b": 4}


def test_a_given_validation_set_is_kept():
    subsets = ["test"] * 8 + ["val"] * 2 + ["train"] * 30
    table = split_videos(audit_of(["a", "b"] * 20, subsets=subsets), seed=0)
    assert table["subset"].tolist() == subsets


def test_a_small_training_set_gives_a_third_to_validation_and_says_so(caplog):
    subsets = ["test"] * 30 + ["train"] * 30
    with caplog.at_level(logging.WARNING):
        table = split_videos(audit_of(["a", "b"] * 30, subsets=subsets), seed=0)
    assert counts(table)["val"] == {"a": 5, "b": 5}
    assert "less than half of the 30 training videos" in caplog.text


def test_the_validation_fraction_is_a_share_of_the_original_training_set():
    subsets = ["test"] * 4 + ["train"] * 40
    audit = audit_of(["a", "b"] * 22, subsets=subsets)
    assert counts(split_videos(audit, seed=0, validation_fraction=0.2))["val"].total() == 8


def test_bad_videos_take_no_part():
    audit = audit_of(["a", "b"] * 12)
    audit.loc[:3, "status"] = "bad"
    assert list(split_videos(audit, seed=0)["video"]) == [f"v{i:04}" for i in range(4, 24)]


def test_a_class_of_one_group_is_only_trained_on_and_one_of_two_is_also_tested(caplog):
    labels = ["a"] * 12 + ["pair"] * 2 + ["single"]
    with caplog.at_level(logging.WARNING):
        found = counts(split_videos(audit_of(labels), seed=0))
    assert {subset for subset in found if found[subset]["single"]} == {"train"}
    assert {subset for subset in found if found[subset]["pair"]} == {"train", "test"}
    assert "the val set has no video of 2 classes, first 'pair'" in caplog.text


def test_a_group_in_both_given_sets_is_reported(caplog):
    audit = audit_of(["a", "b"] * 10, ["g"] * 2 + [str(i) for i in range(18)])
    audit["subset"] = ["train", "test"] * 2 + ["test"] * 2 + ["train"] * 14
    with caplog.at_level(logging.WARNING):
        split_videos(audit, seed=0)
    assert "1 groups are in more than one of the given subsets" in caplog.text
    assert "v0000 and v0001" in caplog.text


@pytest.mark.parametrize(
    ("audit", "options", "message"),
    [
        (audit_of(["a", "b", "a", "c"] * 2, subsets=["train", "train", "train", "test"] * 2), {},
         "the test set has classes without a training video: 'c'"),
        (audit_of(["a", "b"] * 4, subsets=["train", ""] * 4), {}, "4 with subset ''"),
        (audit_of(["a", "b"] * 4, subsets="train"), {}, "8 with subset 'train'"),
        (audit_of(["a", "b"]), {}, "no group of videos is left for the test set"),
        (audit_of(["a", "a", "b"]), {}, "no group of videos is left for the val set"),
        (audit_of(["a", "b"]).assign(status="bad"), {}, "none of the 2 videos"),
        (audit_of(["a", "b"] * 4), {"test_fraction": 0}, "test_fraction is 0; it must be"),
        (audit_of(["a", "b"] * 4), {"validation_fraction": 0.9}, "validation_fraction is 0.9"),
    ],
)  # fmt: skip
def test_a_division_that_cannot_work_is_an_error_saying_why(audit, options, message):
    with pytest.raises(ValueError, match=message):
        split_videos(audit, seed=0, **options)

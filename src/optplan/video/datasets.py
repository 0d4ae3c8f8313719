"""The index of an official data set: its lists, matched with the files that are there."""

import logging
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from tabulate import tabulate

from optplan.video import annotations as read
from optplan.video.index import INDEX_COLUMNS
from optplan.video.official import all_facts, find_lists, find_videos, stem

logger = logging.getLogger(__name__)

MISSING_COLUMNS = ["file", "label", "subset"]

_READERS = {
    "hmdb51": read.read_hmdb51,
    "ucf101": read.read_ucf101,
    "activitynet": read.read_activitynet,
    "something-v1": read.read_something_v1,
    "something-v2": read.read_something_v2,
    "kinetics400": read.read_kinetics,
    "kinetics600": read.read_kinetics,
}


def index_official(
    name: str,
    root: str | Path,
    annotations: str | Path,
    *,
    split: int = 1,
    max_missing_fraction: float = 0.0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The videos of official split `split` of the data set `name` that are below `root`.

    Videos are found by their names, in whatever folders (at most two deep), with any ending that a
    video may have; of HMDB51 by the class folder too. Unlisted videos are counted in the log.

    Returns the index (as `index_folder`; subset "train" or "test", never ""), and the listed videos
    that are not there, with columns file, label and subset.

    Raises:
        ValueError: for a list that is not as it should be, or if more than `max_missing_fraction`
            of the training or of the test videos are not there.
    """
    listed = _listed(name, find_lists(name, annotations, split))
    there = _by_key(name, find_videos(name, root))
    listed["video"] = [there.get(key, "") for key in listed["key"]]
    unlisted = there.keys() - set(listed["key"])
    if unlisted:
        first = min(there[key] for key in unlisted)
        logger.warning(
            "%d videos in %s are in none of the lists that are used, first %s",
            *(len(unlisted), root, first),
        )
    used = listed[listed["subset"] != read.UNUSED]
    absent = used["video"] == ""
    missing = used[absent].sort_values("file", ignore_index=True)[MISSING_COLUMNS]
    _check_missing(name, root, used["subset"], missing, max_missing_fraction)
    index = used[~absent].sort_values("video", ignore_index=True)[INDEX_COLUMNS]
    index["group"] = index["group"].where(index["group"] != "", index["video"])
    return index, missing


def summary(name: str, split: int, index: pd.DataFrame, missing: pd.DataFrame) -> str:
    """The numbers of videos and classes of a copy beside the official ones, as a table of text."""
    known = all_facts()[name]
    official = known["splits"][split - 1]
    heading = "official (about)" if known.get("rounded") else "official"
    rows = []
    for subset, title in (("train", "training"), ("test", known["tested"])):
        there = index[index["subset"] == subset]
        sizes = there["label"].value_counts()
        absent = int((missing["subset"] == subset).sum())
        rows.append(
            {
                "": title,
                "listed": f"{len(there) + absent:,}",
                "there": f"{len(there):,}",
                heading: f"{official[title]:,}",
                "classes": len(sizes),
                "videos a class": f"{sizes.min()} to {sizes.max()}" if len(sizes) else "",
            }
        )
    table = tabulate(
        rows, "keys", "simple", disable_numparse=True, colalign=["left"] + ["right"] * 5
    )
    of = f", split {split} of {len(known['splits'])}" if len(known["splits"]) > 1 else ""
    return f"{known['title']}{of}, officially {known['classes']} classes\n\n{table}\n"


def _listed(name: str, lists: dict[str, list[Path]]) -> pd.DataFrame:
    """The rows of the lists with the key of each video; ValueError if two contradict each other."""
    rows = dict.fromkeys(_READERS[name](lists))  # a row may be there twice
    table = pd.DataFrame(list(rows), columns=["file", "label", "group", "subset"], dtype="str")
    table["key"] = [_key(name, file) for file in table["file"]]
    twice = table[table["key"].duplicated(keep=False)]
    if len(twice):
        one, other = twice[twice["key"] == twice["key"].iloc[0]].to_dict("records")[:2]
        title = all_facts()[name]["title"]
        raise ValueError(
            f"the lists of {title} name {one['file']} twice: in {one['subset']} as "
            f"{one['label']!r}, and in {other['subset']} as {other['label']!r}; strike one out"
        )
    return table


def _key(name: str, file: str) -> str:
    """What a listed file and one that is there have in common, if they are the same video."""
    folder, _, last = unicodedata.normalize("NFC", file).rpartition("/")
    if name == "hmdb51":  # names are only unique within a class
        return f"{folder.rpartition('/')[2]}/{stem(last)}"
    if name == "ucf101":  # copies differ in HandStandPushups and HandstandPushups
        return stem(last).casefold()
    return stem(last)


def _by_key(name: str, files: Iterable[str]) -> dict[str, str]:
    there: dict[str, str] = {}
    copies = []
    for file in files:
        key = _key(name, file)
        if key in there:
            copies.append(max(file, there[key]))
            file = min(file, there[key])
        there[key] = file
    if copies:
        logger.warning(
            "%d videos are there more than once; that of the first folder is taken, not %s",
            *(len(copies), min(copies)),
        )
    return there


def _check_missing(
    name: str, root: str | Path, subsets: pd.Series, missing: pd.DataFrame, limit: float
) -> None:
    known = all_facts()[name]
    for subset, total in subsets.value_counts().sort_index(ascending=False).items():
        absent = missing["file"][missing["subset"] == subset]
        if len(absent) > limit * total:
            others = "" if len(absent) <= 10 else f"\n  and {len(absent) - 10:,} more"
            raise ValueError(
                f"{len(absent):,} of the {total:,} {subset} videos that the lists of "
                f"{known['title']} name are not in {root}, more than the share of {limit:g} that "
                f"data.max_missing_fraction allows:\n  "
                + "\n  ".join(absent.head(10))
                + others
                + f"\nIs data.root right? It must have files such as {known['file']}. If it is, "
                f"complete the copy, or allow for a greater share."
            )
    if len(missing):
        logger.warning(
            "%d of %d listed videos are not there and left out, first %s",
            *(len(missing), len(subsets), missing["file"].iloc[0]),
        )

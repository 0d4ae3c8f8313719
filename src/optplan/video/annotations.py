"""Readers of the official lists of the data sets, one function each.

Every reader takes the files that `official.find_lists` found and returns rows (file, label, group,
subset). `file` is the video as the list names it; its ending need not be that of the copy at hand.
`group` names the source of the video, "" where the video is its own. `subset` is "train", "test"
(of the two original evaluation sets, the one whose labels are public) or UNUSED. A ValueError
names the file, and the line if there is one.
"""

import csv
import io
import json
import logging
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

logger = logging.getLogger(__name__)

UNUSED = "unused"

Row = tuple[str, str, str, str]
Lists = dict[str, list[Path]]

# <source>_<class>_<visible body part>_<camera moves>_<people>_<view>_<quality>_<number>
_HMDB51 = re.compile(
    r"(.+)_[hufl]_(?:nm|cm)_np\d+_(?:ba|fr|le|ri)_(?:goo|med|bad)_\d+", re.DOTALL | re.IGNORECASE
)
_UCF101 = re.compile(r"(v_.+_g\d+)_c\d+", re.DOTALL | re.IGNORECASE)


def read_hmdb51(lists: Lists) -> list[Row]:
    """One list for each class: every line a video of the class, and 1 (train), 2 (test) or 0.

    The source of a video is the film it was cut from, across classes.
    """
    subsets = {"0": UNUSED, "1": "train", "2": "test"}
    names = {path: path.name.rpartition("_test_split")[0] for path in lists["classes"]}
    classes = sorted(names.values(), key=len, reverse=True)
    rows = []
    for path, label in names.items():
        for number, line in _lines(path):
            video, code = [*line.rsplit(maxsplit=1), ""][:2]
            if code not in subsets:
                raise ValueError(f"{path}: line {number}, {line!r}, is not a video and 0, 1 or 2")
            rows.append((f"{label}/{video}", label, _film(video, classes), subsets[code]))
    return rows


def _film(video: str, classes: list[str]) -> str:
    match = _HMDB51.fullmatch(video.rpartition(".")[0])
    if match is None:
        return ""
    film = match[1]
    ending = next((f"_{label}" for label in classes if film.endswith(f"_{label}")), "")
    return film.removesuffix(ending)


def read_ucf101(lists: Lists) -> list[Row]:
    """Lines `<class>/<video>`, in the training list with the number of the class behind.

    The source of a video is its class with the group of its name, g01 to g25.
    """
    numbers = {}
    for number, line in _lines(lists["labels"][0]):
        code, _, label = line.partition(" ")
        if not code.isdecimal() or not label.strip():
            raise ValueError(
                f"{lists['labels'][0]}: line {number}, {line!r}, is not a number and a class"
            )
        numbers[label.strip()] = code
    rows = []
    for subset, role in (("train", "training"), ("test", "test")):
        path = lists[role][0]
        for number, line in _lines(path):
            file, *given = line.split()
            label, _, video = file.rpartition("/")
            source = _UCF101.fullmatch(video.rpartition(".")[0])
            if label not in numbers or source is None or (given and given != [numbers[label]]):
                raise ValueError(
                    f"{path}: line {number}, {line!r}, does not go with {lists['labels'][0].name}; "
                    f"it should be like ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1"
                )
            rows.append((file, label, source[1], subset))
    return rows


def read_activitynet(lists: Lists) -> list[Row]:
    """A database of videos with annotated segments, of which only the labels are used (Sec. 5.1).

    A video with segments of several classes belongs to the one that lasts longest in total, of
    equal ones to the one annotated first.
    """
    path = lists["database"][0]
    subsets = {"training": "train", "validation": "test"}
    rows, several = [], []
    try:
        for video, entry in _json(path)["database"].items():
            seconds: Counter[str] = Counter()
            for annotation in entry["annotations"]:
                start, end = annotation.get("segment", (0, 0))
                seconds[annotation["label"].strip()] += end - start
            label = max(seconds, key=lambda name: seconds[name], default="")
            subset = subsets.get(entry["subset"], UNUSED) if label else UNUSED
            rows.append((f"v_{video}.mp4", label, "", subset))
            several += [video] if len(seconds) > 1 else []
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(
            f"{path} is not the database of ActivityNet: {type(error).__name__}, {error}"
        ) from None
    if several:
        logger.warning(
            "%d videos have several classes, first %s; each counts for the class that lasts "
            "longest in it",
            *(len(several), several[0]),
        )
    return rows


def read_something_v1(lists: Lists) -> list[Row]:
    """Lines `<number>;<class>`, and a list of the classes."""
    classes = {row[0] for _, row in _csv(lists["labels"][0], ";")}
    rows = []
    for subset, role in (("train", "training"), ("test", "test")):
        path = lists[role][0]
        for number, row in _csv(path, ";"):
            if len(row) != 2:
                raise ValueError(f"{path}: line {number}, {row}, is not a number and a class")
            _check_class(row[1], classes, path, lists["labels"][0])
            rows.append((row[0], row[1], "", subset))
    return rows


def read_something_v2(lists: Lists) -> list[Row]:
    """Entries whose `template` is the class, with [brackets] around its placeholders."""
    path = lists["labels"][0]
    classes = {label.strip() for label in _json(path)}
    rows = []
    for subset, role in (("train", "training"), ("test", "test")):
        path = lists[role][0]
        try:
            found = [(str(e["id"]), re.sub(r"[\[\]]", "", e["template"])) for e in _json(path)]
        except (KeyError, TypeError):
            raise ValueError(f"{path} is not a list of entries with id and template") from None
        for video, label in found:
            label = label.strip()
            _check_class(label, classes, path, lists["labels"][0])
            rows.append((f"{video}.webm", label, "", subset))
    return rows


def read_kinetics(lists: Lists) -> list[Row]:
    """Rows of label, youtube_id, time_start and time_end; one without a label is not used.

    The source of a video is the film it was cut from.
    """
    wanted = ("label", "youtube_id", "time_start", "time_end")
    rows = []
    for subset, role in (("train", "training"), ("test", "test")):
        path = lists[role][0]
        table = _csv(path, ",")
        _, header = next(table, (1, []))
        absent = [name for name in wanted if name not in header]
        if absent:
            raise ValueError(f"{path} has no column {absent[0]!r}, only {', '.join(header)}")
        columns = [header.index(name) for name in wanted]
        for number, row in table:
            try:
                label, video, start, end = (row[column] for column in columns)
                file = f"{video}_{int(float(start)):06d}_{int(float(end)):06d}.mp4"
            except (IndexError, ValueError):
                raise ValueError(
                    f"{path}: line {number}, {','.join(row)}, is not {', '.join(header)}"
                ) from None
            rows.append((file, label, video, subset if label else UNUSED))
    return rows


def _check_class(label: str, classes: set[str], path: Path, list_of_classes: Path):
    if label not in classes:
        raise ValueError(f"{path}: the class {label!r} is not in {list_of_classes.name}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path} is not UTF-8 ({error.reason}); save it as UTF-8") from None


def _lines(path: Path) -> list[tuple[int, str]]:
    """Lines that are not blank, without space around them, with their numbers."""
    lines = enumerate(_text(path).split("\n"), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def _csv(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """(line number, fields without space around them) of every row that is not blank."""
    reader = csv.reader(io.StringIO(_text(path)), delimiter=delimiter)
    for row in reader:
        fields = [field.strip() for field in row]
        if any(fields):
            yield reader.line_num, fields


def _json(path: Path):
    try:
        return json.loads(_text(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not JSON, or is cut off: {error}") from None

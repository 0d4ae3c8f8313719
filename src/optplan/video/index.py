"""The index of a data set: one row per video file, with its label, group and given subset."""

import csv
import logging
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from optplan.video.official import VIDEO_SUFFIXES

logger = logging.getLogger(__name__)

INDEX_COLUMNS = ["video", "label", "group", "subset"]

# Everything else in a table is text: a class may be called "001", "nan" or "true".
_COLUMN_TYPES = {
    **dict.fromkeys(["frames", "width", "height", "bytes", "rotation", "target"], int),
    **dict.fromkeys(["fps", "seconds"], float),
}


def index_folder(
    root: str | Path, index_file: str | Path | None = None, *, group_column: str = "group"
) -> pd.DataFrame:
    """List the videos under `root`, sorted by path.

    Layouts: `root/<class>/*`, or `root/{train,val,test}/<class>/*` (`validation` for `val`). With
    `train` and `test` alone validation videos are yet to be drawn from `train`; with `train` and
    `val` alone `val` is the test set, as in Kinetics. `index_file` is a CSV or TSV with a column
    `video` or `file` (paths relative to `root`; exactly the files that are there) and optionally
    `name` or `label` (the class; replaces the folder's name, and lets all files lie directly in
    `root`), `subset` (train, val or test) and `group_column`.

    Returns text columns: video (relative to `root`, POSIX), label, group (without an index file
    the video itself), subset ("train", "val", "test", or "" where the test set is yet to be drawn).
    Raises ValueError for anything that is not as described. Symbolic links are followed; hidden
    files are skipped; files that are not videos are counted in the log.
    """
    root = Path(root)
    if not root.is_dir():
        raise ValueError(f"video folder {root} does not exist or is not a folder")
    listed = None
    if index_file is not None:
        listed = _read_index_file(Path(index_file), group_column)
    table = _list_folder(root, flat_allowed=listed is not None and "label" in listed)
    if listed is not None and index_file is not None:
        table = _join(table, listed, root, Path(index_file))
    table["group"] = table["group"].where(table["group"] != "", table["video"])
    _check_labels(table, root)
    return table.sort_values("video", ignore_index=True)[INDEX_COLUMNS]


def write_table(table: pd.DataFrame, path: str | Path) -> None:
    """Write tab-separated values; fields with tabs, quotes or line ends are quoted as in CSV."""

    def field(value: object) -> str:
        text = str(value)
        return '"' + text.replace('"', '""') + '"' if set(text) & set('\t"\r\n') else text

    rows: list[Iterable] = [table.columns, *table.itertuples(index=False, name=None)]
    text = "".join("\t".join(map(field, row)) + "\n" for row in rows)
    Path(path).write_text(text, encoding="utf-8", newline="")


def read_table(path: str | Path) -> pd.DataFrame:
    """Read what `write_table` wrote: text stays text, known numeric columns become numbers."""
    with Path(path).open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file, delimiter="\t", strict=True)
    table = pd.DataFrame(rows, columns=header, dtype=object)
    for column in table.columns.intersection(list(_COLUMN_TYPES)):
        kind = _COLUMN_TYPES[column]
        table[column] = pd.Series([kind(text) for text in table[column]], dtype=kind)
    return table.astype(dict.fromkeys(table.columns.difference(list(_COLUMN_TYPES)), "str"))


def _list_folder(root: Path, *, flat_allowed: bool) -> pd.DataFrame:
    folders = _subfolders(root)
    loose = [path for path in sorted(root.iterdir()) if _is_video(path)]
    if loose and (folders or not flat_allowed):
        raise ValueError(
            f"{len(loose)} videos lie directly in {root} (first: {loose[0].name}); "
            "every video must lie in the folder of its class"
        )
    if not folders and not flat_allowed:
        raise ValueError(f"{root} has no class folders; expected {root}/<class>/<video>")
    if loose:
        rows = [(path.name, "", "") for path in loose]
    else:
        rows = _list_class_folders(root, _class_folders(root, folders))
    for name in (row[0] for row in rows):
        if not name.isprintable() and any(0xD800 <= ord(char) <= 0xDFFF for char in name):
            raise ValueError(f"the file name {name!r} in {root} is not UTF-8; rename the file")
    table = pd.DataFrame(rows, columns=["video", "label", "subset"], dtype="str")
    return table.assign(group="")


def _class_folders(root: Path, folders: list[Path]) -> list[tuple[Path, str]]:
    """The class folders, each with the subset that the layout gives it."""
    by_name = {folder.name: folder for folder in folders}
    roles = _roles(by_name)
    if len(roles) < 2 or "train" not in roles or not _subfolders(by_name["train"]):
        return [(folder, "") for folder in folders]
    extra = sorted(set(by_name) - set(roles))
    if extra:
        raise ValueError(
            f"{root} has the folder {extra[0]!r} beside {' and '.join(map(repr, roles))}; only "
            "'train', 'val' (or 'validation') and 'test' are read"
        )
    found = []
    for name, subset in roles.items():
        classes = _subfolders(by_name[name])
        if not classes:
            raise ValueError(f"{by_name[name]} has no class folders")
        found += [(folder, subset) for folder in classes]
    return found


def _roles(names: Iterable[str]) -> dict[str, str]:
    """The subset that each known name stands for; without a test set, validation is the test."""
    names = set(names)
    validation = next((name for name in ("val", "validation") if name in names), "val")
    roles = {"train": "train", validation: "val" if "test" in names else "test", "test": "test"}
    return {name: subset for name, subset in roles.items() if name in names}


def _list_class_folders(root: Path, folders: list[tuple[Path, str]]) -> list[tuple[str, str, str]]:
    rows, ignored = [], []
    for folder, subset in folders:
        files = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
        videos = [path for path in files if _is_video(path)]
        if not videos:
            raise ValueError(
                f"the class folder {folder} has no videos; they must lie directly in it and end "
                "in .mp4, .avi, .mkv, .webm or the like"
            )
        ignored += [path for path in files if not _is_video(path)]
        rows += [(path.relative_to(root).as_posix(), folder.name, subset) for path in videos]
    if ignored:
        logger.warning("ignored %d files that are not videos, first %s", len(ignored), ignored[0])
    return rows


def _read_index_file(path: Path, group_column: str) -> pd.DataFrame:
    """The index file's columns video, and label, subset and group where it has them."""
    if not path.is_file():
        raise ValueError(f"index file {path} does not exist")
    with path.open(encoding="utf-8-sig", newline="") as file:
        delimiter = "\t" if path.suffix == ".tsv" else ","
        header, *rows = list(csv.reader(file, delimiter=delimiter)) or [[]]
    for number, row in enumerate(rows, start=2):
        if row and len(row) != len(header):
            raise ValueError(f"{path}: row {number} has {len(row)} fields, expected {len(header)}")
    given = pd.DataFrame([row for row in rows if row], columns=header, dtype="str")
    sources = {"video": ["video", "file"], "label": ["name", "label"], "subset": ["subset"]}
    sources["group"] = [group_column]
    table = pd.DataFrame()
    for column, names in sources.items():
        name = next((name for name in names if name in header), None)
        if name is not None:
            table[column] = given[name]
    if "video" not in table:
        raise ValueError(f"{path} has no column 'video' or 'file', only {', '.join(header)}")
    if "group" not in table and group_column != "group":
        raise ValueError(f"{path} has no group column {group_column!r}, only {', '.join(header)}")
    table["video"] = [Path(video).as_posix() for video in table["video"]]
    return table


def _join(table: pd.DataFrame, listed: pd.DataFrame, root: Path, index_file: Path) -> pd.DataFrame:
    """Replace what the folders say of each video by what the index file says."""
    there, named = set(table["video"]), set(listed["video"])
    twice = listed["video"][listed["video"].duplicated()]
    for what, videos in (
        (f"is listed in {index_file} but is not under {root}", named - there),
        (f"is under {root} but is not listed in {index_file}", there - named),
        (f"is listed more than once in {index_file}", set(twice)),
    ):
        if videos:
            others = f" (and {len(videos) - 1} more)" if len(videos) > 1 else ""
            raise ValueError(f"the video {min(videos)!r}{others} {what}")
    if "subset" in listed:
        listed["subset"] = _read_subsets(listed["subset"], index_file)
    kept = table.drop(columns=listed.columns.drop("video"))
    return kept.merge(listed, on="video", validate="one_to_one")


def _read_subsets(subsets: pd.Series, index_file: Path) -> pd.Series:
    roles = _roles(subsets)
    unknown = set(subsets) - {"", *roles}
    if unknown:
        raise ValueError(
            f"{index_file}: subset {min(unknown)!r} is not one of 'train', 'val', 'test' or empty"
        )
    return subsets.replace(roles)


def _check_labels(table: pd.DataFrame, root: Path) -> None:
    labels = sorted(set(table["label"]))
    if "" in labels:
        video = table["video"][table["label"] == ""].iloc[0]
        raise ValueError(f"the video {video!r} in {root} has an empty class name")
    alike: dict[str, str] = {}
    for label in labels:
        key = unicodedata.normalize("NFC", label).casefold().strip()
        if key in alike:
            raise ValueError(
                f"the class names {alike[key]!r} and {label!r} in {root} differ only in case or "
                "spelling; is it one class?"
            )
        alike[key] = label
    if len(labels) < 2:
        raise ValueError(f"{root} has {len(labels)} class ({', '.join(labels)}); at least 2 needed")


def _subfolders(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.iterdir()) if p.is_dir() and not p.name.startswith(".")]


def _is_video(path: Path) -> bool:
    # A dangling link counts: the audit reports it instead of the video silently missing.
    hidden = path.name.startswith(".")
    return not hidden and path.suffix.lower() in VIDEO_SUFFIXES and not path.is_dir()

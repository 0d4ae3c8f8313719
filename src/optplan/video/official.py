"""Official data sets: the facts of config/datasets.yaml, and where their lists and files lie.

Imports neither pandas nor torch: a dry run asks here too.
"""

import functools
import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import yaml

DATASETS = Path(__file__).parents[1] / "shipped" / "datasets.yaml"

# File names that may hold a video. Whether it can be decoded is for the audit to say.
VIDEO_SUFFIXES = (
    *(".3g2", ".3gp", ".asf", ".avi", ".divx", ".dv", ".f4v", ".flv", ".gif", ".m1v", ".m2ts"),
    *(".m2v", ".m4v", ".mjpeg", ".mk3d", ".mkv", ".mov", ".mp4", ".mpe", ".mpeg", ".mpg", ".mts"),
    *(".mxf", ".nut", ".ogm", ".ogv", ".qt", ".rm", ".rmvb", ".ts", ".vob", ".webm", ".wmv"),
    *(".wtv", ".y4m", ".264", ".265", ".h264", ".h265", ".hevc", ".ivf"),
)

_DEPTH = 2  # folders between the root and a video: Kinetics has root/<subset>/<class>/
_GLANCE = 20_000  # files looked at before anything runs, to see whether it is the right folder


def facts(name: object) -> dict | None:
    """What config/datasets.yaml says of a data set; None if `name` is no official one."""
    return all_facts().get(name) if isinstance(name, str) else None


@functools.cache
def all_facts() -> dict[str, dict]:
    """The same by the name of each official data set."""
    return yaml.safe_load(DATASETS.read_text(encoding="utf-8"))


def find_lists(name: str, folder: str | Path, split: int) -> dict[str, list[Path]]:
    """The official lists of the data set `name` in `folder`, by what they hold.

    One file each, but for HMDB51's "classes". Raises ValueError if one is not there, or twice.
    """
    known, found = all_facts()[name], {}
    for role, pattern in known["lists"].items():
        pattern = pattern.format(split=split)
        paths = sorted(p for p in Path(folder).glob(pattern) if not p.name.startswith("."))
        if not paths:
            raise ValueError(
                f"there is no file {pattern} in {folder}; give the folder with the lists of "
                f"{known['title']} as they come from {known['folder']}"
            )
        if len(paths) > 1 and role != "classes":
            both = " and ".join(path.name for path in paths[:2])
            raise ValueError(f"{folder} has {both}; which is the list of {role}? Move one away")
        found[role] = paths
    return found


def find_videos(name: str, root: str | Path) -> Iterator[str]:
    """Paths below `root` that may be videos of the data set `name`, with "/" and in no order.

    Videos lie at most two folders deep; of a set of JPEG frames, folders in `root` whose names are
    numbers. Each folder is listed once and no file is looked at. Hidden ones are skipped.
    """
    if all_facts()[name].get("frames"):
        return (entry for entry in _names(root) if entry.isdecimal())
    return _walk(Path(root), "", _DEPTH)


def check_official(data: dict, where: str) -> None:
    """ValueError unless the lists are there and the root has a video of the set.

    `data` are the settings of an experiment's data, `where` is their place in the configuration.
    """
    known = all_facts()[data["format"]]
    title, splits = known["title"], len(known["splits"])
    if data["split"] > splits:
        allowed = "1, 2 or 3" if splits > 1 else f"1: {title} has a single one"
        raise ValueError(f"{where}.split: {data['split']} must be {allowed}")
    if data["index"] is not None:
        raise ValueError(
            f"{where}.index: {data['index']!r} has no use with format {data['format']}, which "
            f"reads the official lists; leave it out, or write format: folder"
        )
    for key, content in (
        ("root", f"videos of {title}, such as {known['file']}"),
        ("annotations", f"lists of {title}, as they come from {known['folder']}"),
    ):
        if not data[key]:
            raise ValueError(f"{where}.{key} is missing: the folder with the {content}")
        if not Path(data[key]).is_dir():
            raise ValueError(
                f"{where}.{key}: {data[key]!r} is not a folder; give the one with the {content}"
            )
    try:
        find_lists(data["format"], data["annotations"], data["split"])
    except ValueError as error:
        raise ValueError(f"{where}.annotations: {error}") from None
    if not _has_videos(data["format"], data["root"]):
        raise ValueError(
            f"{where}.root: {data['root']!r} has no video of {title}; it must have files such as "
            f"{known['file']} (docs/data-sets.md)"
        )


def _has_videos(name: str, root: str) -> bool:
    """Whether the first files have the name of a video of the set; benefit of the doubt later."""
    pattern = re.compile(all_facts()[name]["names"], re.DOTALL)
    looked = 0
    for path in islice(find_videos(name, root), _GLANCE):
        looked += 1
        if pattern.fullmatch(stem(path.rpartition("/")[2])):
            return True
    return looked == _GLANCE


def stem(file: str) -> str:
    """A file's name without its ending, if it ends like a video."""
    front, dot, ending = file.rpartition(".")
    return front if dot and f".{ending}".lower() in VIDEO_SUFFIXES else file


def _walk(root: Path, below: str, depth: int) -> Iterator[str]:
    folders = []
    try:
        entries = os.scandir(root / below)
    except PermissionError:  # lost+found, say; videos in it are missing
        return
    with entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if stem(entry.name) != entry.name:
                yield below + entry.name
            elif depth and entry.is_dir():
                folders.append(f"{below}{entry.name}/")
    for folder in sorted(folders):
        yield from _walk(root, folder, depth - 1)


def _names(folder: str | Path) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry.name

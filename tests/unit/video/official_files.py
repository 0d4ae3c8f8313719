"""Small copies of the official data sets: their lists as they come, and empty files for videos."""

import json
from collections import Counter
from pathlib import Path

from optplan.video.datasets import index_official
from optplan.video.index import INDEX_COLUMNS

HMDB51 = ("brush_hair", "shoot_ball", "sit")
UCF101 = ("ApplyEyeMakeup", "HandstandPushups")
CODES = {"train": "1", "test": "2", "unused": "0"}


def touch(root: Path, *videos: str) -> Path:
    for video in videos:
        path = root / video
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def write(file: Path, text: str) -> Path:
    """Return the file's folder, so that it can be given as the folder of lists."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return file.parent


def hmdb51_videos(label: str) -> dict[str, str]:
    """Names and subsets of 14 videos from 7 films, of which 2 are tested on and 1 is not used."""
    films = ["April_09", "(Rad)Schlag_die_Bank!", "#20 Rhythm [x]", "Amélie", "50_FIRST", "A;B"]
    subsets = dict.fromkeys(films, "train") | {"50_FIRST": "test", "A;B": "test"}
    subsets["21"] = "unused"
    return {
        f"{film}_{label}_u_nm_np1_ba_goo_{number}.avi": subset
        for film, subset in subsets.items()
        for number in range(2)
    }


def write_hmdb51(folder: Path, split: int = 1) -> tuple[Path, Path]:
    lists = folder / "lists"
    for label in HMDB51:
        videos = hmdb51_videos(label)
        lines = [f"{name} {CODES[subset]} \r\n" for name, subset in videos.items()]
        write(lists / f"{label}_test_split{split}.txt", "".join(lines) + "\r\n")
        touch(folder / "videos", *(f"{label}/{name}" for name in videos))
    return folder / "videos", lists


def ucf101_videos(label: str) -> dict[str, str]:
    """Names and subsets of 15 videos from 5 groups, of which 2 are tested on."""
    return {
        f"v_{label}_g{group:02d}_c{clip:02d}.avi": "test" if group <= 2 else "train"
        for group in range(1, 6)
        for clip in range(1, 4)
    }


def write_ucf101(folder: Path, split: int = 1) -> tuple[Path, Path]:
    """As it comes: the folder HandstandPushups holds files v_HandStandPushups."""
    lists, lines = folder / "lists", {"train": [], "test": []}
    for number, label in enumerate(UCF101, start=1):
        for name, subset in ucf101_videos(label.replace("stand", "Stand")).items():
            code = f" {number}" if subset == "train" else ""
            lines[subset].append(f"{label}/{name}{code}\r\n")
            touch(folder / "videos", f"{label}/{name}")
    write(lists / "classInd.txt", "\r\n".join(f"{n} {c}" for n, c in enumerate(UCF101, 1)))
    for subset, text in lines.items():
        write(lists / f"{subset}list0{split}.txt", "".join(text))
    return folder / "videos", lists


def segment(label: str, start: float = 0, end: float = 1) -> dict:
    return {"label": label, "segment": [start, end]}


def write_activitynet(folder: Path, **videos: dict) -> tuple[Path, Path]:
    """Four training and two validation videos, one without label for testing, and `videos`."""
    database = {
        f"{label:_<9.9}-{number}": {
            "subset": "validation" if number == 2 else "training",
            "annotations": [segment(label), segment(label, 2, 5)],
        }
        for label in ("Long jump", "Cheerleading")
        for number in range(3)
    }
    database["secret_____"] = {"subset": "testing", "annotations": []}
    database |= videos
    text = json.dumps({"version": "VERSION 1.3", "database": database})
    write(folder / "lists" / "activity_net.v1-3.min.json", text)
    endings = (".mp4", ".mkv", ".webm")
    names = [f"v_{video}{endings[n % 3]}" for n, video in enumerate(database)]
    return touch(folder / "videos", *names), folder / "lists"


SOMETHING = ("Holding something next to something", "Lifting something up, then dropping it")


def write_something_v1(folder: Path, prefix: str = "something-something-v1-"):
    lists = folder / "lists"
    write(lists / f"{prefix}labels.csv", "\n".join(SOMETHING) + "\n")
    for subset, numbers in (("train", range(8)), ("validation", range(8, 12))):
        lines = [f"{number};{SOMETHING[number % 2]}\r\n" for number in numbers]
        write(lists / f"{prefix}{subset}.csv", "".join(lines))
    write(lists / f"{prefix}test.csv", "12\n13\n")
    touch(folder / "videos", *(f"{number}/00001.jpg" for number in range(14)))
    return folder / "videos", lists


def write_something_v2(folder: Path, prefix: str = "something-something-v2-"):
    lists = folder / "lists"
    labels = {label: str(number) for number, label in enumerate(SOMETHING)}
    write(lists / f"{prefix}labels.json", json.dumps(labels))
    for subset, numbers in (("train", range(8)), ("validation", range(8, 12))):
        entries = [
            {
                "id": str(number),
                "label": "holding a cup next to a pen",
                "template": SOMETHING[number % 2].replace("something", "[something]"),
                "placeholders": ["a cup", "a pen"],
            }
            for number in numbers
        ]
        write(lists / f"{prefix}{subset}.json", json.dumps(entries))
    write(lists / f"{prefix}test.json", json.dumps([{"id": "12"}, {"id": "13"}]))
    touch(folder / "videos", *(f"{number}.webm" for number in range(14)))
    return folder / "videos", lists


KINETICS = ("massaging person's head", "passing American football (in game)")


def kinetics_clip(number: int) -> str:
    return f"-a_{number:08d}_000007_000017"


def write_kinetics(folder: Path, layout: str = "{subset}/{label}") -> tuple[Path, Path]:
    """Eight training and four validation videos, and three for testing without a label."""
    header = "label,youtube_id,time_start,time_end,split\r\n"
    ranges = {"train": range(8), "validate": range(8, 12), "test": range(12, 15)}
    for subset, numbers in ranges.items():
        lines = [header]
        for number in numbers:
            label = KINETICS[number % 2] if subset != "test" else ""
            lines.append(f'"{label}",-a_{number:08d},7,17,{subset}\r\n')
            place = layout.format(subset=subset, label=label or "test").strip("/")
            touch(folder / "videos" / place, f"{kinetics_clip(number)}.mp4")
        write(folder / "lists" / f"{subset}.csv", "\ufeff" + "".join(lines))
    return folder / "videos", folder / "lists"


WRITERS = {
    "hmdb51": write_hmdb51,
    "ucf101": write_ucf101,
    "activitynet": write_activitynet,
    "something-v1": write_something_v1,
    "something-v2": write_something_v2,
    "kinetics400": write_kinetics,
    "kinetics600": write_kinetics,
}


def index_of(name, paths, **options):
    """The index by video; everything that is listed has to be there."""
    index, missing = index_official(name, *paths, **options)
    assert missing.empty
    assert list(index.columns) == INDEX_COLUMNS
    return index.set_index("video")


def subsets(index):
    return dict(Counter(index["subset"]))

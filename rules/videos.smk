# Which files videos and clips are read from.

import functools


def video_root(wildcards):
    """Folder of the videos: the user's, or where they are rendered to."""
    root = settings(wildcards)["data"]["root"]
    if root and STUDY["lists_suffice"] and not Path(root).is_dir():
        return []
    return root or f"results/{wildcards.study}/{wildcards.experiment}/data/videos"


def listing(wildcards):
    """What decides which videos are listed, and how."""
    data = settings(wildcards)["data"]
    keys = ("format", "split", "max_missing_fraction", "group_column")
    return {key: data[key] for key in keys}


def fingerprint(wildcards):
    """So that a video which is added, removed or exchanged is looked at again."""
    data = settings(wildcards)["data"]
    if not video_root(wildcards):
        return None
    return _fingerprint(
        data["root"], data["format"], data["annotations"], data["split"]
    )


_fingerprint = functools.cache(study.fingerprint)


def split_file(wildcards):
    """Which video trains, validates and tests, and its flow; a simulated task has none."""
    own = settings(wildcards)
    if own["data"]["format"] == "simulated":
        return []
    if own["modality"] == "flow":
        return f"results/{wildcards.study}/{wildcards.experiment}/data/flow.tsv"
    return rgb_table(wildcards)


def rgb_table(wildcards):
    """The split as it is for the videos that are read: the originals or the prepared ones."""
    name = "split" if settings(wildcards)["data"]["prepare"] is None else "prepared"
    return f"results/{wildcards.study}/{wildcards.experiment}/data/{name}.tsv"


def clip_files(wildcards):
    """The videos that are read again and again: the originals, or the table of prepared ones."""
    if settings(wildcards)["data"]["prepare"] is None:
        return video_root(wildcards)
    return rgb_table(wildcards)


def video_files(wildcards):
    """What clips are read from: the decoded frames if they are kept, else the videos."""
    if settings(wildcards)["data"]["format"] == "simulated":
        return []
    if settings(wildcards)["data"]["cache"]:
        return f"results/{wildcards.study}/{wildcards.experiment}/data/frames.npy"
    if settings(wildcards)["modality"] == "flow":
        # Beside it is the folder of the flow files, which no rule declares.
        return split_file(wildcards)
    return clip_files(wildcards)

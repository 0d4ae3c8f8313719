import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from encode import barcodes, encode_barcodes, encode_video, turn

from optplan.video.audit import audit_videos, inspect_video
from optplan.video.decoding import read_all
from optplan.video.frames import FrameStore, VideoFiles, write_frames
from optplan.video.index import write_table
from optplan.video.prepare import prepare_videos

WORK = {"workers": 2, "timeout_seconds": 30}


def audited(root, *videos):
    index = {"video": videos, "label": "x", "group": videos, "subset": ""}
    return audit_videos(pd.DataFrame(index, dtype="str"), root, **WORK)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Videos of one name in different encodings and sizes, prepared to a short side of 48."""
    root = tmp_path_factory.mktemp("prepare")
    xvid = {"codec": "mpeg4", "bf": "2", "g": "60"}
    encode_barcodes(root / "videos" / "a.avi", height=96, width=192, **xvid)
    encode_barcodes(root / "videos" / "a.mp4", height=48, width=64)
    turn(encode_barcodes(root / "videos" / "b" / "a.mp4", height=64, width=128), 1)
    encode_barcodes(root / "videos" / "odd.mp4", height=41, width=99, pix_fmt="yuv444p")
    table = audited(root / "videos", "odd.mp4", "a.avi", "a.mp4", "b/a.mp4")
    done = prepare_videos(
        table,
        root / "videos",
        root / "prepared",
        short_side=48,
        journal=root / "work" / "prepared.jsonl",
        **WORK,
    )
    return root, table, done


def test_a_prepared_video_has_the_same_frames_in_the_same_order(prepared):
    root, table, done = prepared
    assert list(done["video"]) == ["odd.mp4.mp4", "a.avi.mp4", "a.mp4.mp4", "b/a.mp4.mp4"]
    assert list(done["frames"]) == list(table["frames"]) == [60] * 4
    whole = encode_barcodes(root / "same.mp4", height=48, width=64)
    assert barcodes(read_all(root / "prepared" / "a.mp4.mp4")) == barcodes(read_all(whole))
    for before, after in zip(table["video"], done["video"], strict=True):
        frames = read_all(root / "videos" / before)
        small = read_all(root / "prepared" / after)
        steps = [frames.shape[axis] / small.shape[axis] for axis in (1, 2)]
        rows, columns = (
            ((np.arange(small.shape[axis]) + 0.5) * step).astype(int)
            for axis, step in zip((1, 2), steps, strict=True)
        )
        same = frames[:, rows][:, :, columns]
        for number in (0, 17, 59):
            differences = np.abs(small[number].astype(float) - same).mean(axis=(1, 2, 3))
            assert differences[number] < 25
            assert differences.argmin() == number


def test_the_short_side_is_reduced_turned_frames_stay_upright_and_sides_become_even(prepared):
    _, table, done = prepared
    assert list(zip(table["width"], table["height"], strict=True)) == [
        (99, 41),
        (192, 96),
        (64, 48),
        (64, 128),
    ]
    assert list(zip(done["width"], done["height"], strict=True)) == [
        (98, 40),
        (96, 48),
        (64, 48),
        (48, 96),
    ]
    assert set(done["rotation"]) == {0}


def test_random_access_to_every_prepared_video_is_exact(prepared):
    root, table, done = prepared
    assert list(table["access"]) == ["random", "sequential", "random", "random"]
    assert set(done["access"]) == {"random"}
    for row in done.itertuples():
        found = inspect_video(root / "prepared" / row.video)
        assert (found["status"], found["access"], found["bytes"]) == ("ok", "random", row.bytes)


def test_clips_are_read_from_the_files_beside_the_table(prepared):
    root, _, done = prepared
    write_table(done, root / "prepared.tsv")
    files = VideoFiles(root / "prepared.tsv", done)
    write_frames(done, root / "prepared.tsv", root / "frames.npy")
    store = FrameStore(root / "frames.npy", done)
    for row in range(4):
        clip = files.clip(row, [30, 7])
        assert np.array_equal(clip, store.clip(row, [30, 7]))
        assert np.array_equal(clip, read_all(root / "prepared" / done["video"][row])[[30, 7]])


def test_only_what_is_missing_or_has_changed_is_prepared_again(prepared, tmp_path):
    root, table, done = prepared
    calls = []
    settings = WORK | {"progress": lambda *args: calls.append(args)}
    folders = (table, root / "videos", root / "prepared")
    journal = root / "work" / "prepared.jsonl"
    again = prepare_videos(*folders, short_side=48, journal=journal, **settings)
    pd.testing.assert_frame_equal(again, done)
    assert calls == []
    (root / "prepared" / "a.avi.mp4").unlink()
    prepare_videos(*folders, short_side=48, journal=journal, **settings)
    assert calls == [(4, 4)]
    folders = (table, root / "videos", tmp_path / "smaller")
    smaller = prepare_videos(*folders, short_side=40, journal=journal, **settings)
    assert list(smaller["height"]) == [40, 40, 40, 80]
    assert len(calls) == 5


def test_preparing_that_was_killed_goes_on_where_it_was(tmp_path):
    videos = tmp_path / "videos"
    names = [f"{number}.mp4" for number in range(12)]
    for seed, name in enumerate(names):
        encode_video(videos / name, frames=40, height=64, width=96, seed=seed)
    table = audited(videos, *names)
    table.to_pickle(tmp_path / "table.pkl")
    script = tmp_path / "script.py"
    call = (
        "prepare_videos(table, {videos!r}, {prepared!r}, short_side=32,\n"
        "    workers=1, timeout_seconds=30, journal={journal!r})\n"
    )
    journal = tmp_path / "work" / "prepared.jsonl"
    script.write_text(
        "import pandas as pd\n"
        "from optplan.video.prepare import prepare_videos\n"
        f"table = pd.read_pickle({str(tmp_path / 'table.pkl')!r})\n"
        + call.format(videos=str(videos), prepared=str(tmp_path / "prepared"), journal=str(journal))
    )
    process = subprocess.Popen([sys.executable, script], start_new_session=True)
    while not journal.exists() or journal.read_bytes().count(b"\n") < 2:
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    finished = journal.read_bytes().count(b"\n")
    assert finished < 12
    kept = {path: path.stat().st_ino for path in (tmp_path / "prepared").glob("*.mp4")}
    calls = []
    done = prepare_videos(
        table,
        videos,
        tmp_path / "prepared",
        short_side=32,
        journal=journal,
        progress=lambda *args: calls.append(args),
        **WORK,
    )
    assert calls == [(number, 12) for number in range(finished + 1, 13)]
    fresh = prepare_videos(
        table, videos, tmp_path / "fresh", short_side=32, journal=tmp_path / "other", **WORK
    )
    pd.testing.assert_frame_equal(done, fresh)
    for name in done["video"]:
        one, other = (tmp_path / folder / name for folder in ("prepared", "fresh"))
        assert one.read_bytes() == other.read_bytes()
    assert len(list((tmp_path / "prepared").iterdir())) == 12
    unchanged = [path for path, inode in kept.items() if path.stat().st_ino == inode]
    assert len(unchanged) >= finished


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [("frames", 11, "has 12 frames, the audit found 11"), ("width", 32, "the audit found 32 x 32")],
)
def test_a_video_that_changed_since_the_audit_stops_the_run_by_name(
    tmp_path, column, value, message
):
    encode_video(tmp_path / "v.mp4")
    table = audited(tmp_path, "v.mp4")
    table[column] = value
    with pytest.raises(ValueError, match=rf"^v.mp4: .*{message}"):
        prepare_videos(
            table, tmp_path, tmp_path / "prepared", short_side=16, journal=tmp_path / "j", **WORK
        )
    assert list((tmp_path / "prepared").iterdir()) == []


def test_a_video_that_takes_too_long_stops_the_run_by_name(tmp_path):
    os.mkfifo(tmp_path / "v.mp4")  # never ends
    table = pd.DataFrame(
        {"video": ["v.mp4"], "frames": 1, "width": 8, "height": 8, "fps": 1.0, "sha1": ""}
    )
    settings = {"short_side": 8, "journal": tmp_path / "j", "workers": 1, "timeout_seconds": 1}
    with pytest.raises(ValueError, match=r"v.mp4: could not be prepared: took longer than 1 sec"):
        prepare_videos(table, tmp_path, tmp_path / "prepared", **settings)

import hashlib
import os
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from encode import encode_audio, encode_video

from optplan.video.audit import (
    audit_videos,
    check_audit,
    describe_audit,
    inspect_video,
    run_limited,
)

AUDIT = {"workers": 2, "timeout_seconds": 30}


def index_of(*videos):
    return pd.DataFrame({"video": videos, "label": "x", "group": videos, "subset": ""}, dtype="str")


def test_every_kind_of_bad_file_is_recorded_by_name_and_the_others_are_ok(tmp_path):
    good = encode_video(tmp_path / "good.mp4", frames=15)
    (tmp_path / "cut.mp4").write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video\n" * 100)
    encode_audio(tmp_path / "audio.mp4")
    encode_video(tmp_path / "short.mp4", frames=3)
    index = index_of(
        "good.mp4", "cut.mp4", "empty.mp4", "text.mp4", "audio.mp4", "missing.mp4", "short.mp4"
    )
    calls = []
    audit = audit_videos(
        index, tmp_path, min_frames=4, progress=lambda *args: calls.append(args), **AUDIT
    )
    assert list(audit["video"]) == list(index["video"])
    assert list(audit["status"]) == ["ok"] + ["bad"] * 6
    assert list(audit["error"]) == [
        "",
        "is not a video, or is cut off",
        "is empty",
        "is not a video, or is cut off",
        "has no video stream",
        "No such file or directory",
        "has 3 frames, fewer than the 4 needed",
    ]
    assert calls == [(done, 7) for done in range(1, 8)]
    assert set(audit["access"][1:6]) == {""}
    row = audit.iloc[0]
    assert (row["frames"], row["width"], row["height"]) == (15, 64, 32)
    assert (row["fps"], row["seconds"], row["access"]) == (10.0, 1.5, "random")
    assert row["bytes"] == good.stat().st_size
    assert row["sha1"] == hashlib.sha1(good.read_bytes()).hexdigest()


def test_a_file_that_never_ends_costs_one_time_limit_and_nothing_else(tmp_path):
    os.mkfifo(tmp_path / "endless.mp4")
    encode_video(tmp_path / "good.mp4")
    index = index_of("endless.mp4", "good.mp4")
    audit = audit_videos(index, tmp_path, workers=1, timeout_seconds=1)
    assert list(audit["status"]) == ["bad", "ok"]
    assert audit["error"][0] == "took longer than 1 seconds"


def test_a_crash_of_a_worker_is_the_outcome_of_its_task_alone():
    tasks = [(signal.SIGSEGV,), (signal.SIGCHLD,), (signal.SIGABRT,)]
    outcomes = dict(run_limited(signal.raise_signal, tasks, workers=1, timeout_seconds=30))
    assert outcomes == {
        0: "crashed the decoder (exit code -11)",
        1: None,
        2: "crashed the decoder (exit code -6)",
    }


def test_leaving_early_stops_the_work_under_way():
    started = time.monotonic()
    outcomes = run_limited(time.sleep, [(0,), (60,)], workers=2, timeout_seconds=90)
    next(outcomes)
    outcomes.close()
    assert time.monotonic() - started < 30


def test_a_plain_script_can_audit_without_being_run_again_by_the_workers(tmp_path):
    encode_video(tmp_path / "a.mp4")
    script = tmp_path / "script.py"
    script.write_text(
        "import pandas as pd\n"
        "from optplan.video.audit import audit_videos\n"
        "print('started', flush=True)\n"
        "index = pd.DataFrame({'video': ['a.mp4']})\n"
        f"audit = audit_videos(index, {str(tmp_path)!r}, workers=1, timeout_seconds=30)\n"
        "print(audit['status'][0], __file__)\n"
    )
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == ["started", "ok", str(script)]


def test_a_video_that_was_not_written_to_its_end_is_bad(tmp_path):
    path = encode_video(tmp_path / "v.mp4", frames=40, movflags="faststart")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    row = inspect_video(path)
    assert row["status"] == "bad"
    assert "cut off" in row["error"]


def test_an_audit_that_was_killed_goes_on_where_it_was(tmp_path):
    index = index_of(*(f"{number}.mp4" for number in range(8)))
    for video in index["video"][:4]:
        encode_video(tmp_path / video)
    for video in index["video"][4:]:
        os.mkfifo(tmp_path / video)  # never ends
    index.to_csv(tmp_path / "index.csv", index=False)
    journal = tmp_path / "work" / "audit.jsonl"
    script = tmp_path / "script.py"
    script.write_text(
        "import pandas as pd\n"
        "from optplan.video.audit import audit_videos\n"
        f"index = pd.read_csv({str(tmp_path / 'index.csv')!r}, keep_default_na=False)\n"
        f"audit_videos(index, {str(tmp_path)!r}, workers=1, timeout_seconds=60,\n"
        f"             journal={str(journal)!r})\n"
    )
    process = subprocess.Popen([sys.executable, script], start_new_session=True)
    while not journal.exists() or journal.read_bytes().count(b"\n") < 4:
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    with journal.open("ab") as file:
        file.write(b'{"name": "4.mp4", "stamp')  # what a power cut may leave
    for video in index["video"][4:]:
        (tmp_path / video).unlink()
        encode_video(tmp_path / video)
    before = (tmp_path / "0.mp4").stat()
    encode_video(tmp_path / "0.mp4", frames=14)  # exchanged meanwhile
    os.utime(tmp_path / "0.mp4", ns=(before.st_atime_ns, before.st_mtime_ns + 1))
    calls = []
    audit = audit_videos(
        index,
        tmp_path,
        journal=journal,
        progress=lambda *args: calls.append(args),
        **AUDIT,
    )
    assert calls == [(done, 8) for done in range(3, 9)]
    assert list(audit["frames"]) == [14] + [12] * 7
    fresh = audit_videos(index, tmp_path, **AUDIT)
    pd.testing.assert_frame_equal(audit, fresh)
    calls.clear()
    again = audit_videos(
        index, tmp_path, journal=journal, progress=lambda *args: calls.append(args), **AUDIT
    )
    pd.testing.assert_frame_equal(again, fresh)
    assert calls == [(8, 8)]


def test_the_report_counts_how_videos_are_read_and_names_what_is_bad(tmp_path):
    encode_video(tmp_path / "good.mp4", frames=15)
    encode_video(tmp_path / "old.avi", frames=15, codec="mpeg4", bf="2")
    (tmp_path / "a|b.mp4").touch()
    index = index_of("good.mp4", "old.avi", "a|b.mp4").assign(subset=["train", "train", "test"])
    report = describe_audit(audit_videos(index, tmp_path, **AUDIT)).splitlines()
    for line in (
        "| all | 3 | 1 | 1 | 1 |",
        "| test | 1 | 0 | 0 | 1 |",
        "| train | 2 | 1 | 1 | 0 |",
        "| is empty | 1 | a\\|b.mp4 |",
        "| x | 1 | 3 |",
    ):
        assert line in report


def audit_of(*rows):
    return pd.DataFrame(rows, columns=["video", "label", "status", "error"], dtype="str")


def test_too_many_bad_files_are_an_error_naming_the_first_ten_and_the_share():
    rows = [(f"bad{i:02}.mp4", "run", "bad", "is empty") for i in range(12)]
    rows += [(f"good{i}.mp4", "run", "ok", "") for i in range(88)]
    check_audit(audit_of(*rows), max_bad_fraction=0.12)
    with pytest.raises(ValueError, match=r"12 of 100 videos .* share of 0.05") as caught:
        check_audit(audit_of(*rows))
    message = str(caught.value)
    assert "  bad09.mp4: is empty" in message
    assert "bad10.mp4" not in message


def test_a_class_without_a_usable_video_is_an_error_naming_it():
    rows = [("a.mp4", "jump", "bad", "is empty"), ("b.mp4", "run", "ok", "")]
    with pytest.raises(ValueError, match=r"no usable video is left of the classes 'jump'$"):
        check_audit(audit_of(*rows), max_bad_fraction=0.5)

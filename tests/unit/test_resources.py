import json
import math

import pytest

from optplan.config import resolve
from optplan.resources import (
    cpus,
    evaluation_minutes,
    memory_mb,
    training_minutes,
    videos_memory_mb,
    videos_minutes,
)


@pytest.fixture
def settings(tmp_path) -> dict:
    """The defaults on 100 training videos."""
    for number in range(100):
        video = tmp_path / "videos" / "train" / "a" / f"{number}.mp4"
        video.parent.mkdir(parents=True, exist_ok=True)
        video.touch()
    data = {"format": "folder", "root": str(tmp_path / "videos")}
    return resolve({"experiments": {"mine": {"data": data}}})["experiments"]["mine"]


def minutes(settings: dict, run, target: str = "cs-l1-r1", **changes) -> int:
    return training_minutes(settings, str(run), target, **{"gpus": True} | changes)


def test_every_process_gets_its_threads_and_its_decoders(settings):
    settings["compute"] |= {"processes": 4, "workers": 6, "threads": 2}
    assert cpus(settings) == 32


def test_a_network_on_a_cpu_needs_memory_for_its_activations(settings):
    assert memory_mb(settings, gpus=True) == 6000
    assert memory_mb(settings, gpus=False) > 50_000
    settings["video"]["crop"] //= 2
    assert memory_mb(settings, gpus=False) < 25_000


def test_a_decoder_gets_memory_for_the_clips_that_wait(settings):
    settings["compute"]["workers"] = 1
    settings["states"]["clip_lengths"] = [128]
    settings["video"]["crop"] = 256
    clips = 16 * 3 * 128 * 256**2 / 1e6
    assert memory_mb(settings, gpus=True) >= 6000 + 4 * clips


def test_every_attempt_gets_more_memory_and_more_time(settings, tmp_path):
    run = tmp_path / "results" / "seed-1"
    assert memory_mb(settings, gpus=True, attempt=2) == 12_000
    assert minutes(settings, run, attempt=2) == 2 * minutes(settings, run)


def test_longer_clips_take_longer(settings, tmp_path):
    run = tmp_path / "results" / "seed-1"
    assert minutes(settings, run, "cs-l3-r1") > minutes(settings, run, "cs-l1-r1")
    assert minutes(settings, run, None) >= minutes(settings, run, "cs-l3-r1")
    assert evaluation_minutes(settings, str(run), gpus=True) > 15


def test_time_is_estimated_from_finished_transitions_where_there_are_any(settings, tmp_path):
    run = tmp_path / "results" / "seed-1"
    before = minutes(settings, run, "cs-l3-r1")
    cost = run / "transitions" / "start--cs-l1-r1" / "cost.json"
    cost.parent.mkdir(parents=True)
    cost.write_text(json.dumps({"frames_trained": 1000, "frames_evaluated": 0, "seconds": 0.01}))
    assert minutes(settings, run, "cs-l3-r1") < before
    cost.write_text(json.dumps({"frames_trained": 1000, "frames_evaluated": 0, "seconds": 1e4}))
    assert minutes(settings, run, "cs-l3-r1") == 24 * 60  # the next job goes on from there


def test_the_time_of_training_is_four_times_that_of_the_usual_epochs(settings, tmp_path):
    run = tmp_path / "results" / "seed-1"
    cost = run / "transitions" / "start--cs-l1-r1" / "cost.json"
    cost.parent.mkdir(parents=True)
    cost.write_text(json.dumps({"frames_trained": 1000, "frames_evaluated": 0, "seconds": 10.0}))
    epoch = 100 * 16 * 0.01 / 60
    assert minutes(settings, run) == 15 + math.ceil(4 * 35 * epoch)
    settings["knee"]["max_epochs"] = 20
    assert minutes(settings, run) == 15 + math.ceil(2 * 20 * epoch)


def test_reading_all_videos_needs_memory_by_worker_and_time_by_video(settings, tmp_path):
    assert videos_memory_mb(16) == 17_000
    assert videos_memory_mb(4, attempt=2) == 10_000
    audit = videos_minutes(settings, str(tmp_path), "audit", workers=1)
    assert audit == 15 + 2 * 100 * 300 * 0.01 / 60
    assert videos_minutes(settings, str(tmp_path), "audit", workers=10) == 16
    assert videos_minutes(settings, str(tmp_path), "audit", workers=1, attempt=2) == 2 * audit
    assert videos_minutes(settings, str(tmp_path), "tvl1", workers=1) > 200

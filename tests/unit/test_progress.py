import json
from types import SimpleNamespace

import pytest

from optplan import progress
from optplan.config import graph, resolve
from optplan.planning.metric import TOP_1_3_5
from optplan.progress import Reporter

COST = {"seconds": 40.0, "data_seconds": 10.0}
DECISION = SimpleNamespace(identified=True, best_epoch=3, fitted=0.5)


def reporter_in(folder, kept=None, settings=None) -> Reporter:
    run = folder / "motion" / "seed-1"
    log = run / "logs" / "start--cs-l1-r1.log"
    return Reporter("start--cs-l1-r1", run=run, log=log, kept=kept, settings=settings)


def report_two_epochs(reporter: Reporter):
    for epoch in (1, 2):
        reporter.epoch({"epoch": epoch, "loss": 1.5, "top1": 0.25}, DECISION, COST)


def test_the_log_has_a_line_for_every_epoch(tmp_path):
    reporter = reporter_in(tmp_path)
    assert not reporter.log.exists()
    report_two_epochs(reporter)
    header, *lines = reporter.log.read_text().splitlines()
    assert header.startswith("start--cs-l1-r1, 2")
    assert lines == [
        f"epoch   {epoch}  loss 1.500  top-1  25.0%  knee at 3 (50.0%)  "
        f"40 s so far, 25% waiting for clips"
        for epoch in (1, 2)
    ]


def test_scores_of_another_metric_are_called_by_its_name(tmp_path, capsys):
    run = tmp_path / "motion" / "seed-1"
    reporter = Reporter("start--cs-l1-r1", run=run, log=run / "log", metric=TOP_1_3_5)
    entry = {"epoch": 1, "loss": 1.5, "top1": 0.25, "top3": 0.5, "top5": 0.75}
    reporter.epoch(entry, DECISION, COST)
    assert "loss 1.500  mean top-1/3/5  50.0%  knee at 3" in reporter.log.read_text()
    reporter.finished({"trained_epochs": 9, "reason": "knee", "epochs": 3, "fitted": 0.5})
    assert "t* = 3, mean top-1/3/5 50.0%" in capsys.readouterr().err


def test_a_job_that_goes_on_has_the_epochs_before_in_its_log(tmp_path):
    kept = tmp_path / "work" / "epochs.log"
    report_two_epochs(reporter_in(tmp_path, kept))
    before = kept.read_text()
    reporter_in(tmp_path).log.unlink()  # Snakemake does so as it starts a job again
    assert reporter_in(tmp_path, kept).log.read_text() == before  # nothing was left to train
    report_two_epochs(reporter_in(tmp_path, kept))
    assert reporter_in(tmp_path).log.read_text().count("epoch ") == 4


def test_a_long_epoch_says_how_far_it_is_and_how_long_it_takes(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS_BETWEEN_LINES", 100)
    reporter = reporter_in(tmp_path)
    reporter.clips(1, 250, 1000)
    assert capsys.readouterr().err == ""
    reporter.shown -= 120
    reporter.epoch_began -= 120
    reporter.clips(1, 500, 1000)
    assert "start--cs-l1-r1          epoch   1   50%, 2.0 min left of it" in capsys.readouterr().err
    reporter.clips(1, 750, 1000)  # not again so soon
    assert capsys.readouterr().err == ""


KNEE = {"trained_epochs": 9, "reason": "knee", "epochs": 4, "fitted": 0.5}


def settings_of_a_small_plan() -> dict:
    """Of one with 7 transitions."""
    states = {"sampling": ["cs"], "clip_lengths": [4, 8], "learning_rates": [0.1, 0.01]}
    own = {"data": {"format": "simulated", "task": 1}, "states": states}
    settings = resolve({"experiments": {"motion": own}})["experiments"]["motion"]
    assert len(graph(settings).transitions) == 7
    return settings


def finish(folder, settings, names):
    """Let the last of the transitions `names`, each of which took 10 minutes, say so."""
    reporter = reporter_in(folder, settings=settings)
    for name in names:
        cost = reporter.run / "transitions" / name / "cost.json"
        cost.parent.mkdir(parents=True, exist_ok=True)
        cost.write_text(json.dumps({"seconds": 600.0}))
    reporter.finished(KNEE)


def write_record(folder, state, model, skipped=()):
    path = folder / "motion" / "seed-1" / "states" / f"{state}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    skips = [{"transition": name, "why": "raced away"} for name in skipped]
    path.write_text(json.dumps({"state": state, "model": model, "path": [], "skipped": skips}))


def test_the_time_left_is_that_of_the_jobs_at_work_side_by_side(tmp_path, capsys):
    settings = settings_of_a_small_plan()
    names = ["start--cs-l1-r1", "start--cs-l2-r1"]
    finish(tmp_path, settings, names)  # simulated jobs have no locks
    assert "2 of 7 transitions, about 50 min of this plan left" in capsys.readouterr().err
    for number, left in ((0, 50), (1, 25)):  # the first lock is the reporting job's own
        (tmp_path / "motion" / "seed-1" / "transitions" / names[number] / "work.lock").touch()
        finish(tmp_path, settings, names)
        assert f"about {left} min of this plan left" in capsys.readouterr().err


def test_skipped_transitions_are_not_left_to_do(tmp_path, capsys):
    settings = settings_of_a_small_plan()
    names = [t.name for t in graph(settings).transitions if t.target.name != "cs-l2-r2"][:4]
    given_up = [t.name for t in graph(settings).transitions if t.name not in names]
    write_record(tmp_path, "cs-l2-r2", None, given_up)
    finish(tmp_path, settings, names)
    message = capsys.readouterr().err
    assert message.endswith("; 4 of 7 transitions, 3 skipped\n")


def test_a_transition_that_would_repeat_another_is_not_left_though_no_record_says_so_yet(
    tmp_path, capsys
):
    settings = settings_of_a_small_plan()
    into_last = [t.name for t in graph(settings).transitions if t.target.name == "cs-l2-r2"]
    assert len(into_last) == 2
    names = [t.name for t in graph(settings).transitions if t.name != into_last[1]]
    for state in ("cs-l1-r1", "cs-l1-r2", "cs-l2-r1"):
        write_record(tmp_path, state, "start--cs-l1-r1")
    finish(tmp_path, settings, names)
    assert capsys.readouterr().err.endswith("; 6 of 7 transitions, 1 skipped\n")


def test_tensorboard_shows_the_curves(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    report_two_epochs(reporter_in(tmp_path))
    folder = tmp_path / "motion" / "seed-1" / "logs" / "tensorboard" / "start--cs-l1-r1"
    events = EventAccumulator(str(folder)).Reload()
    found = {name: [(e.step, e.value) for e in events.Scalars(name)] for name in ("loss", "top-1")}
    assert found == {"loss": [(1, 1.5), (2, 1.5)], "top-1": [(1, 0.25), (2, 0.25)]}
    assert [e.value for e in events.Scalars("knee/epoch")] == [3, 3]

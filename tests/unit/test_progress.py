from types import SimpleNamespace

import pytest

from optplan import progress
from optplan.planning.metric import TOP_1_3_5
from optplan.progress import Reporter

COST = {"seconds": 40.0, "data_seconds": 10.0}
DECISION = SimpleNamespace(identified=True, best_epoch=3, fitted=0.5)


def reporter_in(folder, kept=None) -> Reporter:
    run = folder / "motion" / "seed-1"
    return Reporter("start--cs-l1-r1", run=run, log=run / "logs" / "start--cs-l1-r1.log", kept=kept)


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


def test_tensorboard_shows_the_curves(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    report_two_epochs(reporter_in(tmp_path))
    folder = tmp_path / "motion" / "seed-1" / "logs" / "tensorboard" / "start--cs-l1-r1"
    events = EventAccumulator(str(folder)).Reload()
    found = {name: [(e.step, e.value) for e in events.Scalars(name)] for name in ("loss", "top-1")}
    assert found == {"loss": [(1, 1.5), (2, 1.5)], "top-1": [(1, 0.25), (2, 0.25)]}
    assert [e.value for e in events.Scalars("knee/epoch")] == [3, 3]

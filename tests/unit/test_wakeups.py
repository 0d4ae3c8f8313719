from threading import Semaphore
from types import SimpleNamespace

import pytest
from snakemake.scheduling.job_scheduler import JobScheduler

from optplan import wakeups


@pytest.fixture
def order(monkeypatch):
    """What Snakemake's scheduler calls to be woken up; it must still have that name."""
    original = JobScheduler._schedule_reevalutation
    monkeypatch.setattr(JobScheduler, "_schedule_reevalutation", original)
    wakeups.limit()
    return JobScheduler._schedule_reevalutation


def test_however_often_it_is_ordered_the_scheduler_wakes_up_once(order):
    scheduler = SimpleNamespace(_open_jobs=Semaphore(0))
    for _ in range(50):
        order(scheduler, 1)
    assert scheduler._open_jobs.acquire(timeout=20)
    assert not scheduler._open_jobs.acquire(timeout=1.5)


def test_when_it_has_woken_up_it_can_be_ordered_again(order):
    scheduler = SimpleNamespace(_open_jobs=Semaphore(0))
    for _ in range(3):
        order(scheduler, 0.01)
        assert scheduler._open_jobs.acquire(timeout=20)

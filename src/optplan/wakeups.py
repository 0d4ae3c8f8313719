"""A remedy for what makes long runs of Snakemake 9 slow: wake-ups of its scheduler that pile up.

While jobs wait for a free core, every pass of the scheduler orders another pass a second later, and
so does every job that ends. After a thousand jobs it looks a thousand times a second for what has
changed, and needs a core of its own for that.
"""

from threading import Timer

from snakemake.scheduling.job_scheduler import JobScheduler

_pending: list[Timer] = []


def limit():
    """One pass ordered at a time; without effect on a Snakemake that has been changed."""
    if hasattr(JobScheduler, "_schedule_reevalutation"):
        JobScheduler._schedule_reevalutation = _order


def _order(scheduler: JobScheduler, delay: float):
    def wake():
        _pending.clear()  # first: the pass that follows may order the next one
        scheduler._open_jobs.release()

    if not _pending:
        timer = Timer(delay, wake)
        timer.daemon = True  # nothing is lost if the run ends before
        _pending.append(timer)
        timer.start()

"""A remedy for what Snakemake 9 does over and over when a study has many checkpoints.

Whenever one is made, it asks again for the input of every job that waits for any of them, and puts a
new job in the place of each, whether or not it has changed. It keeps the old ones. With n experiments
time and memory grow as n squared: a job of ours would be made again for every state of every other
experiment.
"""

import functools
from pathlib import Path

from snakemake.exceptions import IncompleteCheckpointException


def when_due(inputs):
    """Have Snakemake call the input function again when the checkpoint that it misses is made.

    Until then the file of the checkpoint is its only result, marked by Snakemake as what it is. That
    it is an input is enough: jobs that depend on a checkpoint are always looked at again after it.

    A checkpoint whose file is there, from an earlier run, may turn out not to run at all. Then
    Snakemake's own way is kept, which looks at the job again whatever happens.
    """

    @functools.wraps(inputs)
    def function(*arguments):
        try:
            return inputs(*arguments)
        except IncompleteCheckpointException as missing:
            if Path(missing.targetfile).exists():
                raise
            return [missing.targetfile]

    return function

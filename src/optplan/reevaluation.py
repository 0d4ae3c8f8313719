"""A remedy for what Snakemake 9 does over and over when a study has many checkpoints.

Whenever one is made, it asks again for the input of every job that waits for any of them, and puts
a new job in the place of each, whether or not anything has changed. It keeps the old ones. A state
of one experiment would have the jobs of all others made anew: time and memory would grow as the
square of the number of experiments.
"""

import functools
from collections.abc import Callable, Iterable
from pathlib import Path

from snakemake.exceptions import IncompleteCheckpointException


def when_due(inputs: Callable) -> Callable:
    """Have Snakemake call an input function again when a checkpoint that it misses is made.

    Until then the files of such checkpoints are its only result, marked by Snakemake as what they
    are. That is enough: jobs that depend on a checkpoint are always looked at again after it.

    A checkpoint whose file is there, from an earlier run, may turn out not to run at all. Then
    Snakemake's own way is kept, which looks at the job again whatever happens.
    """

    @functools.wraps(inputs)
    def function(*arguments):
        try:
            return inputs(*arguments)
        except IncompleteCheckpointException as missing:
            files = missing.targetfile
            files = [files] if isinstance(files, str) else files
            if any(Path(file).exists() for file in files):
                raise
            return files

    return function


def together(get: Callable, names: Iterable[str]) -> dict:
    """`{name: get(name)}`, where `get` gives the file of a checkpoint.

    Asks for all that are missing at once: for one after another, Snakemake would go through all of
    its jobs once more each time.
    """
    found, missing = {}, []
    for name in names:
        try:
            found[name] = get(name)
        except IncompleteCheckpointException as exception:
            missing.append(exception)
    if missing:
        files = [exception.targetfile for exception in missing]
        raise IncompleteCheckpointException(missing[0].rule, files)
    return found

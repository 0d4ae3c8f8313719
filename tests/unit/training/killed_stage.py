"""Train one transition in a folder, killed 20 times at random moments and then let alone.

Prints the number of epochs on disk after each kill. Every attempt is forked from this process,
which has imported torch but not used it: a start takes no time.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
import torch._dynamo  # the optimiser would import it in every attempt
from tiny import SETTINGS, short_stopper, train

from optplan.training.snapshots import Snapshots


def job(folder: Path):
    """What a job of the workflow does with a transition."""
    torch.set_num_threads(1)
    result = train(folder / "work", stopper=short_stopper(min_epochs=80))
    Snapshots(folder / "work", SETTINGS).finish(result.epochs, result.curve, result.cost)
    Snapshots(folder / "work", SETTINGS).export(result.epochs, folder / "weights.pt")


def epochs(folder: Path) -> int:
    """Epochs whose weights are on disk, the one before the first among them."""
    return len(list((folder / "work").glob("epoch-*.pt")))


def forked(folder: Path) -> int:
    child = os.fork()
    if child == 0:
        job(folder)
        os._exit(0)
    return child


def main(folder: Path, kills: int):
    folder.mkdir()
    rng = random.Random(1)
    for _ in range(kills):
        wanted = epochs(folder) + rng.randrange(3)
        child = forked(folder)
        while epochs(folder) < wanted:  # so that machines of any speed get as far
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.05))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        print(epochs(folder), flush=True)
    _, status = os.waitpid(forked(folder), 0)
    sys.exit(os.waitstatus_to_exitcode(status))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))

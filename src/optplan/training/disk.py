"""The disk that a plan needs: said before it starts, and compared with what is free."""

import shutil
from pathlib import Path

from optplan.config import graph
from optplan.planning.strategies import HandTuned


def check_disk(settings: dict, weights: Path) -> str:
    """One line on the disk that the experiment takes, whose initial weights are that file.

    Every finished transition and stage keeps its weights. One at work keeps those of all epochs so
    far, as any may still become t*, and the optimiser of the last two.

    Raises ValueError if less is free than all of them and one at work need.
    """
    size = weights.stat().st_size
    planned = len(graph(settings).transitions) if settings["plan"] is None else 0
    kept = size * (planned + _stages(settings))
    working = size * (settings["knee"]["max_epochs"] + 3)
    free = shutil.disk_usage(weights.parent).free
    text = (
        f"disk: weights take {_text(size)} each; up to {_text(kept)} stay, and every transition at "
        f"work takes up to {_text(working)} for as long as it lasts; {_text(free)} are free"
    )
    if free < kept + working:
        raise ValueError(
            f"{text} in {weights.parent}: too little; free some, run with --directory on a larger "
            f"disk, or lower knee.max_epochs ({settings['knee']['max_epochs']})"
        )
    return text


def _stages(settings: dict) -> int:
    """Stages of the hand-tuned strategies, and those of the longest path that could be planned."""
    strategies = sum(len(HandTuned.parse(name).stages) for name in settings["strategies"])
    states = settings["states"]
    return strategies + len(states["clip_lengths"]) + len(states["learning_rates"]) - 1


def _text(size: float) -> str:
    units = ["B", "KB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        del units[0]
    return f"{size:.3g} {units[0]}"

"""Every method on one video set, with one network and one seed."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

sys.path.insert(0, str(Path(__file__).parent))  # Snakemake runs a copy of this file

from methods import grid, planned, retrained, tpe
from stages import ORIGINAL_TRAINING, TRAINING, Trainer

from optplan.config import PRESETS
from optplan.files import write_json
from optplan.reporting.records import read_yaml

KNEE = ("delay", "min_epochs", "min_epochs_start", "max_epochs")

torch.set_num_threads(1)
wanted, seed = snakemake.params, int(snakemake.wildcards.seed)
settings = wanted.settings
settings["network"] = settings["network"] | {"name": snakemake.wildcards.network}
knee = {key: settings["knee"][key] for key in KNEE}
economical = read_yaml(PRESETS)["economical"]
with TemporaryDirectory() as folder:

    def trainer(name: str, subsets: tuple[str, ...], *, scored: bool = False) -> Trainer:
        place = Path(folder, name)
        return Trainer(place, snakemake.input, settings, seed, subsets=subsets, scored=scored)

    planning, whole = (
        trainer("planning", TRAINING, scored=True),
        trainer("whole", ORIGINAL_TRAINING),
    )
    cell = {"paper": planned(planning, knee=knee, planning={})}
    cell["paper"]["retrained"] = retrained(whole, cell["paper"]["path"])
    if wanted.curves:  # the same transitions, trained on
        for run in planning.runs.values():
            run.train_until(knee["max_epochs"])
        cell["curves"] = [
            {"state": run.stage.name, "start": not run.base.history, "scores": run.scores}
            for run in planning.runs.values()
        ]
    cell["grid"] = grid(whole)
    if wanted.thorough:
        cell["economical"] = planned(
            planning, knee=knee | economical["knee"], planning=economical["planning"]
        )
        cell["economical"]["retrained"] = retrained(whole, cell["economical"]["path"])
        frames = cell["paper"]["cost"]["frames"]
        cell["tpe"] = tpe(trainer("search", TRAINING), frames=frames)
        cell["tpe"]["retrained"] = retrained(whole, cell["tpe"]["path"])
write_json(cell, snakemake.output[0])

"""One method on one video set, with one network and one seed."""

import sys
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

sys.path.insert(0, str(Path(__file__).parent))  # Snakemake runs a copy of this file

from cells import Cell
from methods import again, candidates, curves, grid, hand_tuned, planned, retrained, tpe
from stages import ORIGINAL_TRAINING, TRAINING, Trainer
from tables import best_strategy

from optplan.config import PRESETS
from optplan.files import write_json
from optplan.planning.strategies import HandTuned
from optplan.reporting.records import read_json, read_yaml

KNEE = ("delay", "min_epochs", "min_epochs_start", "max_epochs")
RETRAININGS = 4  # of each planned path; the first with the seed of planning

torch.set_num_threads(1)
wildcards, method = snakemake.wildcards, snakemake.wildcards.method
settings = snakemake.params.settings
settings["network"] = settings["network"] | {"name": wildcards.network}
preset = {"knee": {key: settings["knee"][key] for key in KNEE}, "planning": {}}
if method == "economical":
    economical = read_yaml(PRESETS)["economical"]
    preset = {"knee": preset["knee"] | economical["knee"], "planning": economical["planning"]}

with TemporaryDirectory() as folder:

    def trainer(
        name: str, subsets: tuple[str, ...], *, scored: bool = False, number: int = 0
    ) -> Trainer:
        place, seed = Path(folder, name), int(wildcards.seed) + 100 * number
        return Trainer(place, snakemake.input, settings, seed, subsets=subsets, scored=scored)

    whole = trainer("whole", ORIGINAL_TRAINING)
    if method == "retraining":
        others = [
            trainer(f"again-{number}", ORIGINAL_TRAINING, number=number)
            for number in range(RETRAININGS)
        ]
        found = again(
            trainer("planning", TRAINING), others, read_json(snakemake.input.plan)["path"]
        )
    elif method == "candidates":
        planning = trainer("planning", TRAINING, scored=True)
        found = {"candidates": candidates(planning, knee=preset["knee"])}
    elif method == "grid":
        found = grid(whole)
    elif method == "longer":
        grids = [Cell("", "", 0, {"grid": read_json(path)}) for path in snakemake.input.grids]
        epochs = sum(epochs for _, epochs in read_json(snakemake.input.plan)["path"])
        strategy = replace(HandTuned.parse(best_strategy(grids)), epochs=epochs)
        found = {"strategy": strategy.name, **hand_tuned(whole, strategy)}
    elif method == "tpe":
        frames = read_json(snakemake.input.plan)["cost"]["frames"]
        found = tpe(trainer("search", TRAINING), frames=frames)
    else:
        planning = trainer("planning", TRAINING, scored=True)
        found = planned(planning, **preset)
        if snakemake.params.curves:
            found["curves"] = curves(planning, epochs=preset["knee"]["max_epochs"])
    if method in ("paper", "economical", "tpe"):
        found["retrained"] = retrained(whole, found["path"])
write_json(found, snakemake.output[0])

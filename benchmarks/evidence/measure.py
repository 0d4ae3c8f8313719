"""One method on one video set, with one network and one seed."""

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

sys.path.insert(0, str(Path(__file__).parent))  # Snakemake runs a copy of this file

from methods import curves, grid, planned, retrained, tpe
from stages import ORIGINAL_TRAINING, TRAINING, Trainer

from optplan.config import PRESETS
from optplan.files import write_json
from optplan.reporting.records import read_json, read_yaml

KNEE = ("delay", "min_epochs", "min_epochs_start", "max_epochs")

torch.set_num_threads(1)
wildcards, method = snakemake.wildcards, snakemake.wildcards.method
settings = snakemake.params.settings
settings["network"] = settings["network"] | {"name": wildcards.network}
preset = {"knee": {key: settings["knee"][key] for key in KNEE}, "planning": {}}
if method == "economical":
    economical = read_yaml(PRESETS)["economical"]
    preset = {"knee": preset["knee"] | economical["knee"], "planning": economical["planning"]}

with TemporaryDirectory() as folder:

    def trainer(name: str, subsets: tuple[str, ...], *, scored: bool = False) -> Trainer:
        place, seed = Path(folder, name), int(wildcards.seed)
        return Trainer(place, snakemake.input, settings, seed, subsets=subsets, scored=scored)

    whole = trainer("whole", ORIGINAL_TRAINING)
    if method == "grid":
        found = grid(whole)
    elif method == "tpe":
        frames = read_json(snakemake.input.budget)["cost"]["frames"]
        found = tpe(trainer("search", TRAINING), frames=frames)
    else:
        planning = trainer("planning", TRAINING, scored=True)
        found = planned(planning, **preset)
        if snakemake.params.curves:
            found["curves"] = curves(planning, epochs=preset["knee"]["max_epochs"])
    if method != "grid":
        found["retrained"] = retrained(whole, found["path"])
write_json(found, snakemake.output[0])

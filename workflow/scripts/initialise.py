"""Write the initial weights of an experiment, and say what disk its plan will need."""

import sys
from pathlib import Path

from optplan.assignments import trainer
from optplan.study import experiment_settings
from optplan.training.disk import check_disk

settings = snakemake.params.settings
if settings["weights_of"] is not None:
    settings = settings | {"network": settings["network"] | {"weights": snakemake.input.weights}}
trainer(settings).initialise(
    snakemake.input,
    settings,
    seed=int(snakemake.wildcards.seed),
    output=snakemake.output[0],
)
print(check_disk(experiment_settings(snakemake), Path(snakemake.output[0])), file=sys.stderr)

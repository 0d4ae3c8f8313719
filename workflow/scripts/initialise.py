"""Write the initial weights of an experiment, and say what disk its plan will need."""

import sys
from pathlib import Path

from optplan.assignments import trainer
from optplan.study import experiment_settings
from optplan.training.disk import check_disk

trainer(snakemake.params.settings).initialise(
    snakemake.input,
    snakemake.params.settings,
    seed=int(snakemake.wildcards.seed),
    output=snakemake.output[0],
)
print(check_disk(experiment_settings(snakemake), Path(snakemake.output[0])), file=sys.stderr)

"""Train one transition until the knee of its curve."""

import torch

from optplan.training.jobs import run_transition

torch.set_num_threads(snakemake.threads)
run_transition(
    snakemake.input,
    snakemake.params.settings,
    source=snakemake.wildcards.source,
    target=snakemake.wildcards.target,
    seed=int(snakemake.wildcards.seed),
    outputs=snakemake.output,
    log=snakemake.log[0],
)

"""Train one stage of a hand-tuned strategy or of the planned path."""

import torch

from optplan.training.jobs import run_stage

torch.set_num_threads(snakemake.threads)
run_stage(
    snakemake.input,
    snakemake.params.settings,
    strategy=snakemake.wildcards.strategy,
    number=int(snakemake.wildcards.number),
    seed=int(snakemake.wildcards.seed),
    outputs=snakemake.output,
    log=snakemake.log[0],
)

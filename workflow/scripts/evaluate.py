"""Evaluate a strategy's final weights on the test videos."""

import torch

from optplan.training.jobs import run_evaluation

torch.set_num_threads(snakemake.threads)
run_evaluation(
    snakemake.input,
    snakemake.params.settings,
    strategy=snakemake.wildcards.strategy,
    outputs=snakemake.output,
)

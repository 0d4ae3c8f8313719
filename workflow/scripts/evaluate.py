"""Evaluate a strategy's final weights on the test videos."""

from optplan.assignments import trainer
from optplan.study import job_settings

settings = job_settings(snakemake)
trainer(settings).run_evaluation(
    snakemake.input,
    settings,
    strategy=snakemake.wildcards.strategy,
    outputs=snakemake.output,
)

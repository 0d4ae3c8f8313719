"""Evaluate a strategy's final weights on the test videos."""

from optplan.assignments import trainer

settings = snakemake.params.settings
trainer(settings).run_evaluation(
    snakemake.input,
    settings,
    strategy=snakemake.wildcards.strategy,
    outputs=snakemake.output,
)

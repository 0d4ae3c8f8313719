"""Train one stage of a hand-tuned strategy or of the planned path."""

from optplan.assignments import trainer
from optplan.study import job_settings

settings = job_settings(snakemake)
trainer(settings).run_stage(
    snakemake.input,
    settings,
    strategy=snakemake.wildcards.strategy,
    number=int(snakemake.wildcards.number),
    seed=int(snakemake.wildcards.seed),
    outputs=snakemake.output,
    log=snakemake.log[0],
)

"""Train one transition until the knee of its curve."""

from optplan.assignments import trainer
from optplan.study import job_settings

settings = job_settings(snakemake)
trainer(settings).run_transition(
    snakemake.input,
    settings,
    source=snakemake.wildcards.source,
    target=snakemake.wildcards.target,
    seed=int(snakemake.wildcards.seed),
    outputs=snakemake.output,
    log=snakemake.log[0],
)

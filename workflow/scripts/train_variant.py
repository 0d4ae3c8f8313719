"""Train one stage of a variant path until the knee of its curve."""

from optplan.assignments import trainer
from optplan.study import job_settings

settings = job_settings(snakemake)
trainer(settings).run_variant(
    snakemake.input,
    settings,
    variant=snakemake.wildcards.variant,
    number=int(snakemake.wildcards.number),
    seed=int(snakemake.wildcards.seed),
    outputs=snakemake.output,
    log=snakemake.log[0],
)

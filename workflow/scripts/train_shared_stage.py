"""Train one stage of the tree of hand-tuned strategies."""

from optplan.assignments import shared_stage, trainer
from optplan.study import job_settings

settings = job_settings(snakemake)
trainer(settings).run_stage(
    snakemake.input,
    settings,
    stage=shared_stage(snakemake.wildcards.stage, snakemake.params.ends, snakemake.input),
    seed=int(snakemake.wildcards.seed),
    outputs=snakemake.output,
    log=snakemake.log[0],
)

"""Train one stage of the planned path or of a variant."""

from optplan.assignments import planned_stage, trainer
from optplan.study import job_settings

settings, wildcards = job_settings(snakemake), snakemake.wildcards
number, to_loss = int(wildcards.number), snakemake.params.to_loss
trainer(settings).run_stage(
    snakemake.input,
    settings,
    stage=planned_stage(wildcards.followed, number, snakemake.input, to_loss=to_loss),
    seed=int(wildcards.seed),
    outputs=snakemake.output,
    log=snakemake.log[0],
)

"""Train one transition until the knee of its curve."""

from optplan.assignments import trainer

settings = snakemake.params.settings
trainer(settings).run_transition(
    snakemake.input,
    settings,
    source=snakemake.wildcards.source,
    target=snakemake.wildcards.target,
    seed=int(snakemake.wildcards.seed),
    outputs=snakemake.output,
    log=snakemake.log[0],
)

"""Write the initial weights of an experiment."""

from optplan.assignments import trainer

settings = snakemake.params.settings
trainer(settings).initialise(
    snakemake.input,
    settings,
    seed=int(snakemake.wildcards.seed),
    output=snakemake.output[0],
)

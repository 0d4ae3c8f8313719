"""Write the initial weights of an experiment."""

from optplan.training.jobs import initialise

initialise(
    snakemake.input[0],
    snakemake.params.network,
    seed=int(snakemake.wildcards.seed),
    output=snakemake.output[0],
)

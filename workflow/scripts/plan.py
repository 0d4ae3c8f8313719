"""Choose the better final state and write the plan."""

from optplan.planfile import write_plan

write_plan(
    snakemake.input.records,
    snakemake.input.split,
    snakemake.params.settings,
    experiment=snakemake.wildcards.experiment,
    seed=int(snakemake.wildcards.seed),
    output=snakemake.output[0],
)

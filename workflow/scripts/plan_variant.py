"""Write the plan of a variant path."""

from optplan.planfile import write_variant_plan

write_variant_plan(
    snakemake.input.knees,
    snakemake.input.plan,
    snakemake.params.settings,
    variant=snakemake.wildcards.variant,
    output=snakemake.output[0],
)

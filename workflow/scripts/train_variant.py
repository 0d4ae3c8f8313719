"""Train one stage of a variant path until the knee of its curve."""

settings = snakemake.params.settings
if settings["data"]["format"] == "simulated":
    from optplan.simulated import run_variant
else:
    from optplan.training.jobs import run_variant

run_variant(
    snakemake.input,
    settings,
    variant=snakemake.wildcards.variant,
    number=int(snakemake.wildcards.number),
    seed=int(snakemake.wildcards.seed),
    outputs=snakemake.output,
    log=snakemake.log[0],
)

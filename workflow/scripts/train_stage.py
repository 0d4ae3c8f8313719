"""Train one stage of a hand-tuned strategy or of the planned path."""

settings = snakemake.params.settings
if settings["data"]["format"] == "simulated":
    from optplan.simulated import run_stage
else:
    from optplan.training.jobs import run_stage

run_stage(
    snakemake.input,
    settings,
    strategy=snakemake.wildcards.strategy,
    number=int(snakemake.wildcards.number),
    seed=int(snakemake.wildcards.seed),
    outputs=snakemake.output,
    log=snakemake.log[0],
)

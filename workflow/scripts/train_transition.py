"""Train one transition until the knee of its curve."""

settings = snakemake.params.settings
if settings["data"]["format"] == "simulated":
    from optplan.simulated import run_transition
else:
    from optplan.training.jobs import run_transition

run_transition(
    snakemake.input,
    settings,
    source=snakemake.wildcards.source,
    target=snakemake.wildcards.target,
    seed=int(snakemake.wildcards.seed),
    outputs=snakemake.output,
    log=snakemake.log[0],
)

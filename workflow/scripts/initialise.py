"""Write the initial weights of an experiment."""

settings = snakemake.params.settings
if settings["data"]["format"] == "simulated":
    from optplan.simulated import initialise
else:
    from optplan.training.jobs import initialise

initialise(
    snakemake.input,
    settings,
    seed=int(snakemake.wildcards.seed),
    output=snakemake.output[0],
)

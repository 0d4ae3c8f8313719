"""Evaluate a strategy's final weights on the test videos."""

settings = snakemake.params.settings
if settings["data"]["format"] == "simulated":
    from optplan.simulated import run_evaluation
else:
    from optplan.training.jobs import run_evaluation

run_evaluation(
    snakemake.input,
    settings,
    strategy=snakemake.wildcards.strategy,
    outputs=snakemake.output,
)

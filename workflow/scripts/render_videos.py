"""Render and encode an embedded set."""

from pathlib import Path

from optplan.video.embedded import write_set

data = snakemake.params.data["data"]
write_set(
    data["name"],
    Path(snakemake.output[0]),
    seed=snakemake.params.seed,
    train_per_class=data["train_per_class"],
    test_per_class=data["test_per_class"],
)

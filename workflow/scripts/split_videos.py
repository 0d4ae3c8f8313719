"""Leave out bad videos by name, then split the rest."""

from optplan.video.audit import check_audit
from optplan.video.index import read_table, write_table
from optplan.video.splits import split_videos

data = snakemake.params.data["data"]
audit = read_table(snakemake.input[0])
check_audit(audit, data["max_bad_fraction"])
split = split_videos(
    audit,
    seed=snakemake.params.seed,
    test_fraction=data["test_fraction"],
    validation_fraction=data["validation_fraction"],
)
write_table(split, snakemake.output[0])

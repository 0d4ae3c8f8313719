"""List the videos of a folder or an official data set with their classes and groups."""

import pandas as pd

from optplan.video.datasets import MISSING_COLUMNS, index_official, summary
from optplan.video.index import index_folder, write_table
from optplan.video.official import facts

data = snakemake.params.data
if facts(data["format"]) is None:
    index = index_folder(
        snakemake.input.root,
        snakemake.input.get("index") or None,
        group_column=data["group_column"],
    )
    missing = pd.DataFrame(columns=MISSING_COLUMNS)
else:
    index, missing = index_official(
        data["format"],
        snakemake.input.root,
        snakemake.input.annotations,
        split=data["split"],
        max_missing_fraction=data["max_missing_fraction"],
    )
    print(summary(data["format"], data["split"], index, missing))
write_table(missing, snakemake.output.missing)
write_table(index, snakemake.output.index)

"""Set the planned paths beside the hand-tuned strategies (Table 4)."""

from pathlib import Path

import pandas as pd

from optplan.reporting.tables import (
    comparison,
    fusion_note,
    fusion_row,
    write_csv,
    write_markdown,
)

results = Path("results", snakemake.wildcards.study)
table, notes = comparison(results, snakemake.params.experiments)
for name, members in snakemake.params.fusions.items():
    row = fusion_row(table, results / "fusion" / f"{name}.json", name=name, members=members)
    notes[name] = fusion_note(table, members)
    table = pd.concat([table, row], ignore_index=True)
write_csv(table, snakemake.output.csv)
write_markdown(table, snakemake.output.md, notes)
print("\n" + Path(snakemake.output.md).read_text())

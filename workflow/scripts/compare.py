"""Set the planned paths beside the hand-tuned strategies (Table 4)."""

from pathlib import Path

import pandas as pd

from optplan.reporting.tables import (
    comparison_rows,
    fusion_note,
    fusion_row,
    planner_note,
    write_csv,
    write_markdown,
)
from optplan.study import read_plan

seed = snakemake.params.seed
rows, notes = [], {}
for name, own in snakemake.params.experiments.items():
    run = Path("results", snakemake.wildcards.study, name, f"seed-{seed}")
    rows.append(
        comparison_rows(
            run,
            experiment=name,
            seed=seed,
            strategies=own["strategies"],
            given_plan=own["plan"],
        )
    )
    notes[name] = planner_note(
        read_plan(own["plan"] or run / "plan.yaml"),
        expected_sampling=own["expected_sampling"],
        given_plan=own["plan"],
    )
table = pd.concat(rows, ignore_index=True)
for name, members in snakemake.params.fusions.items():
    metrics = Path("results", snakemake.wildcards.study, "fusion", f"{name}.json")
    row = fusion_row(table, metrics, name=name, members=members)
    notes[name] = fusion_note(table, members)
    table = pd.concat([table, row], ignore_index=True)
write_csv(table, snakemake.output.csv)
write_markdown(table, snakemake.output.md, notes)
print("\n" + Path(snakemake.output.md).read_text())

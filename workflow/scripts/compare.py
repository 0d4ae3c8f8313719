"""Set the planned paths beside the hand-tuned strategies (Table 4)."""

from pathlib import Path

import pandas as pd

from optplan.reporting.tables import comparison_rows, planner_note, write_csv, write_markdown
from optplan.study import read_plan

rows, notes = [], {}
for name, own in snakemake.params.experiments.items():
    run = Path("results", snakemake.wildcards.study, name, f"seed-{snakemake.params.seed}")
    rows.append(comparison_rows(run, experiment=name, strategies=own["strategies"]))
    plan = read_plan(run / "plan.yaml")
    notes[name] = planner_note(plan, expected_sampling=own["expected_sampling"])
table = pd.concat(rows, ignore_index=True)
write_csv(table, snakemake.output.csv)
write_markdown(table, snakemake.output.md, notes)
print("\n" + Path(snakemake.output.md).read_text())

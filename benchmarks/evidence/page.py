"""The tables of docs/evidence.md, from everything that was measured."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # Snakemake runs a copy of this file

from cells import groups, read_cells
from stops import family_rows, stop_rows
from tables import accuracy_rows, cost_rows, lead_rows, measured_rows, sampling_rows

cells = read_cells(snakemake.input)
expected = {name: own["expected_sampling"] for name, own in snakemake.params.experiments.items()}
together = groups(cells)
curves = [curve for cell in cells for curve in cell.content.get("curves", [])]
blocks = {
    "accuracy": accuracy_rows(together),
    "cost": cost_rows(together),
    "leads": lead_rows(together),
    "sampling": sampling_rows(together, expected),
    "families": family_rows(curves),
    "stops": stop_rows(curves),
}
page = Path(snakemake.output.page)
page.write_text(
    "".join(
        f"<!-- {name} -->\n\n{table.to_markdown(index=False, disable_numparse=True)}\n\n"
        for name, table in blocks.items()
    ),
    encoding="utf-8",
)
measured_rows(cells).to_csv(snakemake.output.csv, index=False, lineterminator="\n")
print(page.read_text())

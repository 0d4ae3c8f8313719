"""Keep what was measured beside the study, and write its tables into docs/evidence.md."""

import shutil
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # Snakemake runs a copy of this file

from cells import read_cells
from page import blocks, fill
from tables import measured_rows

for path in map(Path, snakemake.input):
    kept = HERE / "measured" / Path(*path.parts[-4:])
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, kept)
cells = read_cells(snakemake.input)
tables = blocks(cells, snakemake.params.expected)
fill(HERE.parents[1] / "docs" / "evidence.md", tables)
measured_rows(cells).to_csv(snakemake.output[0], index=False, lineterminator="\n")
print("\n\n".join(tables.values()))

"""Set the variants of a plan beside it (Sec. 5.4)."""

from pathlib import Path

from optplan.reporting.tables import variant_rows, write_csv, write_variants

table = variant_rows([Path(path) for path in snakemake.input])
write_csv(table, snakemake.output.csv)
write_variants(table, snakemake.output.md)

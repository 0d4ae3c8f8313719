"""Add up what the study has cost, by experiment and by table."""

from pathlib import Path

from optplan.config import resolve
from optplan.reporting.bill import bill_rows, table_rows, write_bill
from optplan.reporting.tables import write_csv

study = resolve(snakemake.config)
bill = bill_rows(Path("results", study["study"]), study)
write_csv(bill, snakemake.output.csv)
write_bill(bill, table_rows(bill, study), snakemake.output.md)

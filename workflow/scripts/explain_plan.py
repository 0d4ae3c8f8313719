"""A page of the report: the plan of an experiment, and why its path is the path."""

from pathlib import Path

from optplan.reporting.pages import plan_page, write_page
from optplan.reporting.tables import planner_note
from optplan.study import read_plan, read_records

plan = read_plan(snakemake.input.plan)
note = planner_note(plan, expected_sampling=snakemake.params.expected_sampling)
records = read_records(Path(snakemake.input.plan).parent)
write_page(plan_page(snakemake.wildcards.experiment, plan, records, note), snakemake.output[0])

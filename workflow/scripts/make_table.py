"""One of the paper's tables, as CSV, Markdown and LaTeX."""

from pathlib import Path

from optplan.reporting.pages import table_page, write_page
from optplan.reporting.paper import make_table
from optplan.study import resolve

folder = Path(snakemake.output.md).parent
table = make_table(snakemake.wildcards.table, folder.parent, resolve(snakemake.config))
table.write(folder)
write_page(table_page(table), snakemake.output.html)
print("\n" + Path(snakemake.output.md).read_text())

"""Where the numbers of the study come from."""

from pathlib import Path

from optplan.files import write_json
from optplan.provenance import provenance
from optplan.reporting.pages import provenance_page, write_page
from optplan.study import resolve

content = provenance(Path(snakemake.output.json).parent, resolve(snakemake.config))
write_json(content, snakemake.output.json)
write_page(provenance_page(content), snakemake.output.html)

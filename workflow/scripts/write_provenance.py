"""Where the numbers of the study come from."""

from pathlib import Path

from optplan.files import write_json
from optplan.provenance import provenance
from optplan.study import resolve

output = Path(snakemake.output[0])
write_json(provenance(output.parent, resolve(snakemake.config)), output)

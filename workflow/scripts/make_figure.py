"""One of the paper's figures."""

from pathlib import Path

from optplan.reporting.paper import draw_figure
from optplan.study import resolve

stem = Path(snakemake.output.png).with_suffix("")
draw_figure(snakemake.wildcards.figure, stem.parents[1], resolve(snakemake.config), stem)

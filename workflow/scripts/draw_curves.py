"""Draw the curves of both samplings' best paths with their fits and knees (Fig. 2)."""

from pathlib import Path

from optplan.reporting.curve_figure import draw_curves
from optplan.study import path_transitions

run = Path(snakemake.input.plan).parent
draw_curves(run, path_transitions(run), Path(snakemake.output.png).with_suffix(""))

"""Draw which frames both samplings take from a video."""

from pathlib import Path

from optplan.reporting.sampling_figure import draw_sampling

draw_sampling(Path(snakemake.output.png).with_suffix(""))

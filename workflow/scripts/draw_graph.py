"""Draw the transition graph with the chosen path (Fig. 4)."""

from pathlib import Path

from optplan.reporting.figures import draw_graph
from optplan.study import graph, read_plan, read_records

settings = snakemake.params.settings
draw_graph(
    graph(settings),
    read_records(Path(snakemake.input.plan).parent),
    read_plan(snakemake.input.plan),
    {
        "lengths": settings["states"]["clip_lengths"],
        "rates": settings["states"]["learning_rates"],
    },
    Path(snakemake.output.png).with_suffix(""),
)

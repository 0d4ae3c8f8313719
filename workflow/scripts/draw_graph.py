"""Draw the transition graph with the chosen path (Fig. 4)."""

from pathlib import Path

from optplan.reporting.graph_figure import draw_graph, graph_edges
from optplan.study import graph, read_plan, read_records

settings = snakemake.params.settings
records = read_records(Path(snakemake.input.plan).parent)
draw_graph(
    graph(settings),
    graph_edges(graph(settings), records, read_plan(snakemake.input.plan)),
    records,
    {
        "lengths": settings["states"]["clip_lengths"],
        "rates": settings["states"]["learning_rates"],
    },
    Path(snakemake.output.png).with_suffix(""),
)

"""Draw a released path in its transition graph (Figs. 4 and 5)."""

from pathlib import Path

from optplan.planning.states import TransitionGraph
from optplan.reporting.graph_figure import draw_graph, path_edges
from optplan.study import read_plan

plan = read_plan(snakemake.input.plan)
lengths, rates = plan["states"]["clip_lengths"], plan["states"]["learning_rates"]
graph = TransitionGraph((plan["sampling"],), len(lengths), len(rates))
draw_graph(
    graph,
    path_edges(graph, plan),
    {},
    {"lengths": lengths, "rates": rates},
    Path(snakemake.output.png).with_suffix(""),
)

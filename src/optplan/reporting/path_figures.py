"""Figures 1, 4 and 5: the transition graphs, and the paths that were planned in them."""

from collections.abc import Mapping
from pathlib import Path

from optplan.places import waiting
from optplan.planning.states import TransitionGraph
from optplan.reporting.graph_figure import Edge, Panel, draw_graphs, graph_edges, path_edges
from optplan.reporting.measured import Results
from optplan.reporting.published import released_plans
from optplan.study import graph, read_plan, read_records

FIG1_LABELS = {"lengths": (16, 32, 64), "rates": (0.01, 0.001, 0.0001)}
PUBLISHED_PANELS = {
    "fig4": {
        "ActivityNet": "activitynet-from-imagenet",
        "SS-V1": "ss-v1-from-imagenet",
        "SS-V2": "ss-v2-from-imagenet",
        "Kinetics-400": "kinetics-400-from-imagenet",
    },
    "fig5": {
        "HMDB51": "hmdb51-from-imagenet",
        "UCF101": "ucf101-from-imagenet",
        "ActivityNet": "activitynet-from-imagenet",
        "SS-V1": "ss-v1-from-imagenet",
        "SS-V2": "ss-v2-from-imagenet",
        "Kinetics-400": "kinetics-400-from-imagenet",
        "HMDB51, from Kinetics-400": "hmdb51-from-kinetics-400",
        "UCF101, from Kinetics-400": "ucf101-from-kinetics-400",
    },
}


def draw_fig1(path_stem: Path) -> None:
    """The basic and the extended transition graph, without a path."""
    panels = []
    for kind in ("basic", "extended"):
        whole = TransitionGraph(kind=kind)
        edges = [Edge(t.source, t.target, "possible", None) for t in whole.transitions]
        panels.append(Panel(whole, edges, {}, FIG1_LABELS, f"{kind} transition graph"))
    draw_graphs(panels, path_stem)


def draw_measured(results: Results, places: Mapping[str, str], path_stem: Path) -> None:
    """The plans of the experiments that need not wait, of their first seed."""
    absent = waiting(results.study)
    panels = [
        _measured_panel(results, title, name)
        for title, name in places.items()
        if name not in absent
    ]
    draw_graphs(panels, path_stem)


def draw_published(figure: str, path_stem: Path) -> None:
    """The paths that the paper's authors released, of fig4 or fig5."""
    plans, panels = released_plans(), []
    for title, name in PUBLISHED_PANELS[figure].items():
        plan = plans[name]
        lengths, rates = plan["states"]["clip_lengths"], plan["states"]["learning_rates"]
        whole = TransitionGraph((plan["sampling"],), len(lengths), len(rates))
        labels = {"lengths": lengths, "rates": rates}
        panels.append(Panel(whole, path_edges(whole, plan), {}, labels, f"{title}, published"))
    draw_graphs(panels, path_stem)


def _measured_panel(results: Results, title: str, name: str) -> Panel:
    settings, run = results.settings(name), results.runs(name)[0]
    states = settings["states"]
    labels = {"lengths": states["clip_lengths"], "rates": states["learning_rates"]}
    whole, records = graph(settings), read_records(run)
    edges = graph_edges(whole, records, read_plan(run / "plan.yaml"))
    return Panel(whole, edges, records, labels, f"{title}, measured")

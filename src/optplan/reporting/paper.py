"""Every table and figure of the paper by its name, from the results of a study."""

from collections.abc import Mapping
from pathlib import Path

from optplan.places import COMPARISONS
from optplan.provenance import commit
from optplan.reporting.comparisons import comparison
from optplan.reporting.families import collect, draw_families, table1
from optplan.reporting.layout import Table
from optplan.reporting.measured import Results
from optplan.reporting.path_figures import draw_fig1, draw_measured, draw_published
from optplan.reporting.path_tables import section54
from optplan.reporting.strategy_tables import table3, table4
from optplan.reporting.table8 import table8


def make_table(name: str, root: Path, study: Mapping) -> Table:
    """The table called table1, table3, ..., table5a, ... or section54.

    `root` is results/<study>, `study` the resolved configuration.
    """
    results, places = Results(root, study), study["tables"].get(name)
    if name == "table1":
        return table1(results, places, collect(results, places), commit())
    if name == "table8":
        return table8(commit())
    if name in COMPARISONS:
        return comparison(results, name, places, commit())
    return {"table3": table3, "table4": table4, "section54": section54}[name](
        results, places, commit()
    )


def draw_figure(name: str, root: Path, study: Mapping, path_stem: Path) -> None:
    """The figure called fig1, fig2, fig4, fig5, or fig4-published, fig5-published."""
    results, places = Results(root, study), study["tables"]
    if name == "fig1":
        draw_fig1(path_stem)
    elif name == "fig2":
        draw_families(collect(results, places["table1"]), path_stem)
    elif name.endswith("-published"):
        draw_published(name.removesuffix("-published"), path_stem)
    else:
        draw_measured(results, places[name], path_stem)

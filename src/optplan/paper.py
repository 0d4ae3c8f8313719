"""Which files the paper's tables and figures are, and which results they are made from."""

from collections.abc import Mapping

from optplan.places import (
    FIGURES,
    STRATEGY_TABLES,
    TABLES,
    available,
    figure_places,
    members,
    place_names,
)

PAPER = (
    "table1",
    *(f"table{number}" for number in range(3, 9)),
    "fig1",
    "fig2",
    "fig4",
    "fig5",
    "section54",
)
ENDS = ("csv", "md", "tex", "html")  # of a table


def paper_files(study: Mapping, target: str) -> list[str]:
    """The files of a target such as table5 (two tables) or fig4 (measured and published)."""
    results = f"results/{study['study']}"
    if target in TABLES or target == "table5":
        names = ["table5a", "table5b"] if target == "table5" else [target]
        return [f"{results}/tables/{name}.{end}" for name in names for end in ENDS]
    names = [name for name in FIGURES if name.removesuffix("-published") == target]
    drawn = [name for name in names if _can_be_drawn(study, name)]
    return [f"{results}/figures/{name}.{end}" for name in drawn for end in ("pdf", "png")]


def wanted(study: Mapping) -> list[str]:
    """The targets of the paper that a study makes by itself: those that its tables name."""
    if not any(study["tables"].values()):
        return []
    named = {table for table, places in study["tables"].items() if places}
    targets = {"table5" if table.startswith("table5") else table for table in named}
    targets |= {"fig1", "table8"} | ({"fig2"} if "table1" in named else set())
    return [target for target in PAPER if target in targets]


def table_names(study: Mapping, table: str) -> list[str]:
    """The experiments and fusions that a table is made from and that need not wait."""
    return available(study, place_names(table, study["tables"].get(table) or {}))


def figure_names(study: Mapping, figure: str) -> list[str]:
    """The experiments that a figure is made from and that need not wait."""
    return available(study, place_names(figure, figure_places(study, figure) or {}))


def result_files(study: Mapping, names: list[str], *, strategies: bool) -> list[str]:
    """Evaluations and plans of experiments and fusions; with hand-tuned strategies if wanted."""
    results, files = f"results/{study['study']}", []
    for name in names:
        if name not in study["experiments"]:
            files.append(f"{results}/fusion/{name}.json")
        for part in members(study, name):
            own = study["experiments"][part]
            evaluated = ["planned", *(own["strategies"] if strategies else [])]
            for seed in own["seeds"]:
                run = f"{results}/{part}/seed-{seed}"
                files += [f"{run}/evaluation/{strategy}/metrics.json" for strategy in evaluated]
                files += [f"{run}/plan.yaml"] if own["plan"] is None else []
    return list(dict.fromkeys(files))


def plan_files(study: Mapping, names: list[str]) -> list[str]:
    """The plans of experiments, of every seed."""
    results, experiments = f"results/{study['study']}", study["experiments"]
    return [
        f"{results}/{name}/seed-{seed}/plan.yaml"
        for name in names
        for seed in experiments[name]["seeds"]
    ]


def shows_strategies(table: str) -> bool:
    return table in STRATEGY_TABLES


def _can_be_drawn(study: Mapping, figure: str) -> bool:
    """Fig. 1 and the published paths need nothing, the others at least one experiment."""
    return figure == "fig1" or figure.endswith("-published") or bool(figure_names(study, figure))

"""Which experiment fills which place of the paper's tables and figures. Never imports torch.

The configuration's `tables` says it. An experiment whose data are not there, or that builds on such
a one, is waiting: its places stay empty.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

from optplan.video.official import facts

COMPARISONS = ("table5a", "table5b", "table6", "table7")  # rows beside those of other methods
STRATEGY_TABLES = ("table3", "table4", "section54")  # they show hand-tuned strategies too
TABLES = ("table1", "table3", "table4", *COMPARISONS, "table8", "section54")
FIGURES = ("fig1", "fig2", "fig4", "fig4-published", "fig5", "fig5-published")
PLANNED = ("table1", "fig4", "fig5")  # they show what planning has trained
METRICS = ("top1", "top5")  # columns with these endings have measured values
BUILDS_ON = ("plan_of", "weights_of")


def cell_names(value: str | list[str]) -> list[str]:
    """The experiments or fusions that a cell is the mean of."""
    return [value] if isinstance(value, str) else list(value)


def measured_cells(row: Mapping) -> dict[str, list[str]]:
    """The columns of a comparison's row that are measured, and what fills them."""
    return {column: cell_names(value) for column, value in row.items() if column.endswith(METRICS)}


def place_names(table: str, places: Mapping | Iterable) -> list[str]:
    """Everything that a table names, each once: experiments, and fusions in comparisons."""
    if table in COMPARISONS:
        names = [n for row in places for cell in measured_cells(row).values() for n in cell]
    else:
        names = list(places.values()) if isinstance(places, Mapping) else list(places)
    return list(dict.fromkeys(names))


def figure_places(study: Mapping, figure: str) -> Mapping | list[str] | None:
    """What the configuration says of a figure; Fig. 2 shows the curves of Table 1."""
    return study["tables"].get({"fig2": "table1"}.get(figure, figure))


def needed(study: Mapping, names: Iterable[str]) -> list[str]:
    """The experiments that these experiments and fusions need, with those they build on."""
    found, ahead = {}, [part for name in names for part in members(study, name)]
    while ahead:
        name = ahead.pop(0)
        if name not in found:
            found[name] = True
            own = study["experiments"][name]
            ahead += [own[key] for key in BUILDS_ON if own.get(key)]
    return list(found)


def check_places(study: Mapping) -> None:
    """ValueError where a table names an experiment that there is not."""
    experiments, fusions = study["experiments"], study.get("fusions", {})
    for table, places in study["tables"].items():
        known = {*experiments, *(fusions if table in COMPARISONS else ())}
        for name in place_names(table, places):
            if name not in known:
                raise ValueError(
                    f"configuration: tables.{table}: there is no experiment {name!r}; there are "
                    f"{', '.join(sorted(known))}"
                )
            if table in PLANNED and experiments[name]["plan"]:
                raise ValueError(
                    f"configuration: tables.{table}: {name!r} replays a plan; name experiments "
                    f"that plan"
                )


def missing_data(data: Mapping, *, lists_suffice: bool = False) -> str | None:
    """The folder that an experiment waits for, or None where it has all it needs.

    With `lists_suffice`, that is for an official data set its annotations alone.
    """
    official = facts(data["format"]) is not None
    keys = ["annotations", "root"] if official else ["root"]
    for key in keys[:1] if lists_suffice and official else keys:
        if data[key] and not Path(data[key]).is_dir():
            return data[key]
    return None


def waiting(study: Mapping) -> dict[str, str]:
    """What each experiment that is left out waits for: a folder, through others or on its own.

    A dry run sets `lists_suffice` in `study`: what would run is seen without a video.
    """
    if not study["skip_missing"]:
        return {}
    found = {}
    for name in study["experiments"]:
        lists = study.get("lists_suffice", False)
        chain = [study["experiments"][other]["data"] for other in needed(study, [name])]
        missing = [missing_data(data, lists_suffice=lists) for data in chain]
        if any(missing):
            found[name] = next(filter(None, missing))
    return found


def available(study: Mapping, names: Iterable[str]) -> list[str]:
    """Those of the experiments and fusions that need not wait."""
    absent = waiting(study)
    return [name for name in names if not set(members(study, name)) & absent.keys()]


def members(study: Mapping, name: str) -> list[str]:
    """The experiments that a fusion is made of, or the experiment itself."""
    return list(study.get("fusions", {}).get(name, [name]))

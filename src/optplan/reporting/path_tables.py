"""Section 5.4: how much the path itself matters, by its variants and with another network."""

from collections.abc import Iterable, Mapping

from optplan.places import waiting
from optplan.reporting.layout import MEASURED, Table
from optplan.reporting.measured import Measured, Results
from optplan.reporting.strategy_tables import one_each, waiting_notes
from optplan.study import variant_paths


def section54(results: Results, places: Mapping[str, str], commit: str) -> Table:
    """Of each experiment the planned path, its variants and its best hand-tuned strategy."""
    table = Table(
        name="section54",
        title="Section 5.4: variants of the planned path, and the path with another network",
        header=["Experiment", "Training", "Source", "Top-1 (%)", "Epochs"],
        texts=3,
    )
    absent = waiting(results.study)
    for title, name in places.items():
        if name not in absent:
            _experiment(table, title, name, results, commit)
    table.notes = [
        "A variant has one state more (with) or less (without); its epochs are determined anew.",
        *_seed_notes(results, [name for name in places.values() if name not in absent]),
        *table.notes,
        *waiting_notes(results, one_each(places)),
    ]
    return table


def _seed_notes(results: Results, names: Iterable[str]) -> list[str]:
    """That variants are of one seed only, where the rows beside them are of several."""
    own = [results.settings(name) for name in names]
    if not any(settings["variants"] and len(settings["seeds"]) > 1 for settings in own):
        return []
    return [
        "Variants are those of the first seed alone; of several seeds, the path and the hand-tuned "
        "strategy are the mean ± the standard deviation."
    ]


def _experiment(table: Table, title: str, name: str, results: Results, commit: str) -> None:
    settings, run = results.settings(name), results.runs(name)[0]
    planned = results.planned([name])
    path = "replayed path" if settings["plan"] else "planned path"
    cells: dict[str, tuple[Measured, str | None]] = {path: (planned, None)}
    if settings["variants"]:
        for variant in variant_paths(settings, run / "plan.yaml"):
            cells[variant] = (results.variant(name, variant), variant)
    best = results.best_hand_tuned(name, settings["strategies"])
    if best:
        cells[f"hand-tuned {best[0]}"] = (best[1], best[0])
    for training, (cell, strategy) in cells.items():
        table.rows.append([title, training, MEASURED, cell.percent(), str(cell.epochs)])
        table.records.append(cell.record(f"{title}, {training}", "top-1", commit))
        runs = 1 if training == strategy else None  # variants are of the first seed
        lead = results.lead(name, strategy, runs=runs) if strategy else None
        if lead is not None:
            table.notes.append(f"{title}: the {path} against {strategy}: {lead}.")

"""Planning against hand-tuned strategies: Table 3 by network, Table 4 by data set."""

from collections.abc import Mapping, Sequence
from itertools import groupby

from optplan.places import members, waiting
from optplan.planning.strategies import HandTuned
from optplan.reporting.layout import MEASURED, PUBLISHED, Table
from optplan.reporting.measured import Measured, Results, published_record
from optplan.reporting.published import published_rows
from optplan.reporting.records import digits
from optplan.reporting.spending import cost_alone, cost_spent, sum_costs

SAMPLINGS = {"cs": "consecutive", "us": "uniform"}
OP = "OP"
MARKS = (
    "In brackets: epochs, the best of the grid or those of the planned path. OP is "
    "optimization planning; its sampling is the planner's own choice of both, whatever the row."
)
TABLE4_ROWS = (
    ("hand_tuned_top1", "Hand-tuned", "top-1 (%)"),
    ("hand_tuned_hours", "Hand-tuned", "time (h)"),
    ("spent_hours", "Hand-tuned", "time, beginnings shared (h)"),
    ("planned_top1", "Planning", "top-1 (%)"),
    ("planned_hours", "Planning", "time (h)"),
)


def waiting_notes(results: Results, places: Mapping[str, Sequence[str]]) -> list[str]:
    """Which places (with what fills them) stay empty, and the folders that they wait for."""
    absent, notes = waiting(results.study), []
    for place, names in places.items():
        parts = [part for name in names for part in members(results.study, name)]
        missing = [part for part in dict.fromkeys(parts) if part in absent]
        if missing:
            folders = ", ".join(dict.fromkeys(absent[part] for part in missing))
            notes.append(f"Empty: {place}; {', '.join(missing)} waits for {folders}.")
    return notes


def one_each(places: Mapping[str, str]) -> dict[str, list[str]]:
    """Places that one experiment fills, for `waiting_notes`."""
    return {place: [name] for place, name in places.items()}


def table3(results: Results, places: Mapping[str, str], commit: str) -> Table:
    """Networks in rows, hand-tuned strategies in columns, as the paper's Table 3."""
    published = published_rows("table3_kinetics400_strategies.csv")
    absent = waiting(results.study)
    measured = {net: name for net, name in places.items() if name not in absent}
    columns = _columns(results, published, measured)
    table = Table(
        name="table3",
        title="Table 3: optimization planning and hand-tuned strategies with different networks",
        header=["Network", "Sampling", "Source", *columns, OP],
        texts=3,
    )
    networks = dict.fromkeys([row["network"] for row in published])
    for network in dict.fromkeys([*networks, *measured]):
        if network in networks:
            _published_network(table, network, published, columns)
        if network in measured:
            _measured_network(table, network, measured[network], results, columns, commit)
    table.notes = [f"Top-1 (%). {MARKS}", *_leads(results, measured)]
    table.notes += waiting_notes(results, one_each(places))
    return table


def _columns(results: Results, published, measured: Mapping[str, str]) -> list[str]:
    """Clip lengths and decay of every strategy, the paper's first."""
    ours = [
        _column(HandTuned.parse(strategy))
        for name in measured.values()
        for strategy in results.settings(name)["strategies"]
    ]
    paper = [_paper_column(row) for row in published if row["sampling"] != "planned"]
    return list(dict.fromkeys([*paper, *ours]))


def _column(strategy: HandTuned) -> str:
    return f"{'→'.join(f'l{length}' for length in strategy.lengths)} {strategy.decay}"


def _paper_column(row: Mapping) -> str:
    return f"{row['clip_lengths'].replace('->', '→')} {row['lr_decay']}"


def _published_network(table: Table, network: str, published, columns) -> None:
    own = [row for row in published if row["network"] == network]
    cells = {
        (row["sampling"], OP if row["sampling"] == "planned" else _paper_column(row)): row
        for row in own
    }
    for sampling in SAMPLINGS.values():
        texts = []
        for column in (*columns, OP):
            row = cells.get((sampling, column))
            if column == OP and sampling == "consecutive":
                row = cells["planned", OP]
            texts.append(f"{row['top1']} ({row['epochs']})" if row else "")
            if row:
                name = f"{network}, {row['sampling']}"
                value, epochs = round(float(row["top1"]) / 100, 6), int(row["epochs"])
                table.records.append(published_record(name, column, value, epochs=epochs))
        table.rows.append([network, sampling, PUBLISHED, *texts])


def _measured_network(table, network: str, name: str, results: Results, columns, commit) -> None:
    parsed = [HandTuned.parse(strategy) for strategy in results.settings(name)["strategies"]]
    parsed.sort(key=lambda strategy: (strategy.sampling, _column(strategy)))
    best: dict[tuple[str, str], Measured] = {}
    for key, group in groupby(parsed, key=lambda s: (s.sampling, _column(s))):
        found = results.best_hand_tuned(name, [strategy.name for strategy in group])
        if found:
            best[key] = found[1]
    planned = results.planned([name])
    for sampling, title in SAMPLINGS.items():
        texts = []
        for column in columns:
            cell = best.get((sampling, column))
            texts.append(cell.percent(epochs=True) if cell else "")
            if cell:
                table.records.append(cell.record(f"{network}, {title}", column, commit))
        texts.append(planned.percent(epochs=True) if sampling == "cs" else "")
        table.rows.append([network, title, MEASURED, *texts])
    table.records.append(planned.record(f"{network}, planned", OP, commit))


def _leads(results: Results, measured: Mapping[str, str]) -> list[str]:
    notes = []
    for title, name in measured.items():
        best = results.best_hand_tuned(name, results.settings(name)["strategies"])
        lead = results.lead(name, best[0]) if best else None
        if best and lead:
            notes.append(f"{title}: planning against {best[0]}, the best of the grid: {lead}.")
    return notes


def table4(results: Results, places: Mapping[str, str], commit: str) -> Table:
    """Data sets in columns, accuracy and cost in rows, as the paper's Table 4."""
    published = {row["dataset"]: row for row in published_rows("table4_planning_vs_hand_tuned.csv")}
    absent = waiting(results.study)
    measured = {
        title: _table4_cells(results, name, title, commit)
        for title, name in places.items()
        if name not in absent
    }
    columns = list(dict.fromkeys([*published, *measured]))
    table = Table(
        name="table4",
        title="Table 4: optimization planning and the best hand-tuned strategy on each data set",
        header=["Strategy", "", "Source", *columns],
        texts=3,
    )
    for key, strategy, quantity in TABLE4_ROWS:
        ours = [measured.get(title, {}).get(key, ("", None)) for title in columns]
        theirs = [published.get(title, {}).get(key, "") for title in columns]
        if any(theirs):
            table.rows.append([strategy, quantity, PUBLISHED, *theirs])
        table.rows.append([strategy, quantity, MEASURED, *(text for text, _ in ours)])
        table.records += [record for _, record in ours if record]
        scale = 100 if key.endswith("top1") else 1
        table.records += [
            published_record(f"{strategy}, {quantity}", title, round(float(value) / scale, 6))
            for title, value in zip(columns, theirs, strict=True)
            if value
        ]
    present = {title: name for title, name in places.items() if name not in absent}
    table.notes = [
        "Published times are those of 8 GPUs in parallel, measured ones those of the devices "
        "named in the CSV, summed over jobs. Hand-tuning costs the grid with every run trained "
        "alone, or what was spent with equal beginnings trained once; planning costs every "
        "transition and the retraining.",
        *_leads(results, present),
        *waiting_notes(results, one_each(places)),
    ]
    return table


def _table4_cells(results: Results, name: str, title: str, commit: str) -> dict:
    """The texts and records of one data set by row."""
    planned, strategies = results.planned([name]), results.settings(name)["strategies"]
    cells = {"planned_top1": (planned.percent(), planned.record("", title, commit))}
    costs: dict[str, dict] = {
        "planned_hours": {"seconds": planned.seconds, "devices": set(planned.devices)}
    }
    best = results.best_hand_tuned(name, strategies)
    if best:
        cells["hand_tuned_top1"] = (best[1].percent(), best[1].record("", title, commit))
        runs = results.runs(name)
        costs["hand_tuned_hours"] = sum_costs(cost_alone(r, s) for r in runs for s in strategies)
        costs["spent_hours"] = sum_costs(cost_spent(run, strategies) for run in runs)
    for key, cost in costs.items():
        value = cost["seconds"] / 3600 / len(planned.values)
        text = digits(value) if value >= 1 else f"{value:.2g}"  # small studies take minutes
        cells[key] = (text, planned.record("", title, commit))
        cells[key][1].update({"mean": value, "std": None, "epochs": None})
        device = ", ".join(sorted(cost["devices"]))
        cells[key][1].update({"seconds": cost["seconds"], "device": device})
    for key, strategy, quantity in TABLE4_ROWS:
        if key in cells:
            cells[key][1]["row"] = f"{strategy}, {quantity}"
    return cells

"""This project's rows beside those of other methods: Tables 5, 6 and 7."""

from collections.abc import Mapping, Sequence

from optplan.places import available, measured_cells, members
from optplan.reporting.layout import MEASURED, PUBLISHED, Table
from optplan.reporting.measured import Measured, Results, published_record
from optplan.reporting.published import published_rows
from optplan.reporting.records import digits
from optplan.reporting.strategy_tables import waiting_notes

SOURCES = {
    "table5a": ("table5a_hmdb51_ucf101.csv", "Table 5a: comparison on HMDB51 and UCF101, RGB"),
    "table5b": ("table5b_activitynet.csv", "Table 5b: comparison on ActivityNet, RGB"),
    "table6": ("table6_something_something.csv", "Table 6: comparison on Something-Something, RGB"),
    "table7": ("table7_kinetics.csv", "Table 7: comparison on Kinetics-400 and Kinetics-600"),
}
WORDS = {
    "hmdb51": "HMDB51",
    "ucf101": "UCF101",
    "ssv1": "SS-V1",
    "ssv2": "SS-V2",
    "k400": "K400",
    "k600": "K600",
    "kinetics400": "K400",
    "pretraining": "pre-training",
    "rgb": "RGB",
    "top1": "top-1",
    "top5": "top-5",
    "gflops": "GFLOPs",
}


def comparison(results: Results, name: str, rows: Sequence[Mapping], commit: str) -> Table:
    """`rows` are this project's, as the configuration has them: texts, or what fills a cell."""
    file, title = SOURCES[name]
    published: Sequence[Mapping] = published_rows(file)
    rows = [_computed(results, row) if name == "table7" else row for row in rows]
    columns = list(dict.fromkeys([key for row in [*published, *rows] for key in row]))
    texts = [key for key in columns if not key.endswith(("top1", "top5", "gflops", "views"))]
    columns = [*texts, *(key for key in columns if key not in texts)]
    table = Table(name=name, title=title, header=columns, texts=len(texts))
    for row in published:
        table.rows.append([row.get(key, "") for key in columns] + [PUBLISHED])
        table.records += [
            published_record(_row_name(row, texts), key, round(float(row[key]) / 100, 6))
            for key in columns
            if key.endswith(("top1", "top5")) and row.get(key)
        ]
    for row in rows:
        cells = _cells(results, row)
        texts_of = {key: cell.percent() for key, cell in cells.items()}
        plain = {key: value for key, value in row.items() if key not in measured_cells(row)}
        table.rows.append([str((plain | texts_of).get(key, "")) for key in columns] + [MEASURED])
        label = _row_name(plain, texts)
        table.records += [cell.record(label, key, commit) for key, cell in cells.items()]
    _dress(table, len(texts))
    seeds = "Accuracies in %; ± is the standard deviation over seeds, of several splits the mean."
    places = {
        f"{_row_name(row, texts)}, {_title(key)}": names
        for row in rows
        for key, names in measured_cells(row).items()
    }
    table.notes = [seeds, *waiting_notes(results, places)]
    return table


def _dress(table: Table, texts: int) -> None:
    """Put the source behind the texts, and top-1 and top-5 of the same into one column."""
    columns, rows = table.header, table.rows
    header = [_title(key) for key in columns[:texts]] + ["Source"]
    picks: list[tuple[int, ...]] = [*((k,) for k in range(texts)), (len(columns),)]
    for number, key in enumerate(columns[texts:], start=texts):
        partner = key[:-1] + "5"
        if key.endswith("top1") and partner in columns:
            picks.append((number, columns.index(partner)))
            header.append(_title(key.removesuffix("top1").rstrip("_")) + " top-1/5")
        elif not (key.endswith("top5") and key[:-1] + "1" in columns):
            picks.append((number,))
            header.append(_title(key))
    table.rows = [
        ["/".join(filter(None, (row[k] for k in pick))) for pick in picks] for row in rows
    ]
    table.header, table.texts = header, texts + 1


def _cells(results: Results, row: Mapping) -> dict[str, Measured]:
    """The measured cells of a row whose experiments need not wait."""
    found = {}
    for key, names in measured_cells(row).items():
        if len(available(results.study, names)) == len(names):
            cell = results.planned(names, "top1" if key.endswith("top1") else "top5")
            if cell.mean == cell.mean:  # a simulated task has no top-5
                found[key] = cell
    return found


def _computed(results: Results, row: Mapping) -> Mapping:
    """The row with GFLOPs and views of its own network and evaluation, as Table 7 has them."""
    names = [name for names in measured_cells(row).values() for name in names]
    if not names:
        return row
    own = results.settings(members(results.study, names[0])[0])
    video, network = own["video"], own["network"]
    views = {"views": str(video["evaluation_clips"] * video["evaluation_crops"])}
    if ":" in network["name"] or own["data"]["format"] == "simulated":
        return views | dict(row)
    from optplan.networks.cost import network_cost  # brings torch along

    cost = network_cost(
        network["name"],
        network["body"],
        blocks=network["blocks"],
        frames=own["states"]["clip_lengths"][-1],
        size=video["evaluation_crop"],
    )
    return {"gflops": digits(cost.gflops)} | views | dict(row)


def _row_name(row: Mapping, texts: Sequence[str]) -> str:
    return ", ".join(str(row[key]) for key in texts if row.get(key))


def _title(key: str) -> str:
    words = [WORDS.get(word, word) for word in key.split("_")]
    text = " ".join(words)
    return text[:1].upper() + text[1:]

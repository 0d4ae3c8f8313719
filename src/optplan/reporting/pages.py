"""Pages of the HTML report: a table, and why a plan is what it is. They need no network."""

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from optplan.reporting.explain import explain
from optplan.reporting.layout import PUBLISHED, Table

STYLE = """
body { font: 14px/1.5 system-ui, sans-serif; color: #000; background: #fff; margin: 1.5em; }
table { border-collapse: collapse; border-top: 2px solid; border-bottom: 2px solid; }
thead { border-bottom: 1px solid; }
th, td { padding: 0.2em 0.7em; text-align: right; white-space: nowrap; }
.text { text-align: left; }
.published { color: #555; background: #f5f5f2; }
pre { font: 12px/1.4 ui-monospace, monospace; overflow-x: auto; }
h1 { font-size: 1.4em; }
h2 { font-size: 1.15em; }
p { max-width: 46em; }
"""


def table_page(table: Table) -> str:
    """The table in the paper's layout; published rows are grey."""
    head = _row("th", table.header, table.texts)
    body = "\n".join(
        _row("td", row, table.texts, "published" if PUBLISHED in row else "") for row in table.rows
    )
    notes = "\n".join(f"<p>{escape(note)}</p>" for note in table.notes)
    grid = f"<table>\n<thead>{head}</thead>\n<tbody>\n{body}\n</tbody>\n</table>"
    return page(table.title, f"{grid}\n{notes}")


def plan_page(name: str, plan: Mapping, records: Mapping[str, Mapping], note: str) -> str:
    """The plan of an experiment and, state by state of its path, why this parent.

    `plan` is the content of plan.yaml, `records` are those of the states by name.
    """
    steps = [
        [step["state"], str(step["frames"]), f"{step['learning_rate']:g}", str(step["epochs"])]
        for step in plan["path"]
    ]
    header = ["State", "Frames", "Learning rate", "Epochs (t*)"]
    table = Table(name=name, title=f"Plan of {name}", header=header, texts=1, rows=steps)
    table.notes = [note]
    why = "\n".join(
        f"<h2>Why {escape(state)}?</h2>\n<pre>{escape(explain(records[state]))}</pre>"
        for state in _chosen(plan, records)
    )
    return table_page(table).replace("</body>", f"{why}\n</body>")


def provenance_page(provenance: Mapping) -> str:
    """The content of provenance.json, experiments first as a table."""
    experiments = provenance["experiments"]
    rows = [
        [
            name,
            ", ".join(own["devices"]),
            str(own["jobs"]),
            str(own["epochs"]),
            f"{own['seconds'] / 60:.1f}",
        ]
        for name, own in experiments.items()
    ]
    header = ["Experiment", "Devices", "Training jobs", "Epochs", "Time (min)"]
    title = f"Provenance of {provenance['study']}"
    table = Table(name="provenance", title=title, header=header, texts=2, rows=rows)
    table.notes = [f"Commit {provenance['commit']}."]
    text = escape(json.dumps(provenance, indent=2))
    return table_page(table).replace("</body>", f"<pre>{text}</pre>\n</body>")


def page(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style></head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n{body}\n</body>\n</html>\n"
    )


def write_page(text: str, path: Path) -> None:
    Path(path).write_text(text, encoding="utf-8")


def _chosen(plan: Mapping, records: Mapping[str, Mapping]) -> list[str]:
    """The states that the chosen path passes, also those that kept their parent's model."""
    states, name = [], plan["final"]
    while name in records:
        states.append(name)
        name = records[name]["parent"]
    return states[::-1]


def _row(tag: str, cells: Sequence[str], texts: int, kind: str = "") -> str:
    made = "".join(
        f'<{tag} class="text">{escape(cell)}</{tag}>'
        if number < texts
        else f"<{tag}>{escape(cell)}</{tag}>"
        for number, cell in enumerate(cells)
    )
    return f'<tr class="{kind}">{made}</tr>' if kind else f"<tr>{made}</tr>"

"""docs/evidence.md: prose by people, and between its marks the tables of what was measured."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from cells import Cell, groups
from scores import score_rows
from stops import family_rows, stop_rows
from tables import accuracy_rows, cost_rows, lead_rows, overall_rows, retraining_rows, sampling_rows


def blocks(cells: Sequence[Cell], expected: Mapping[str, str | None]) -> dict[str, str]:
    """Every table by the name of its mark, as Markdown."""
    together = groups(cells)
    curves = [curve for cell in cells for curve in cell.content["paper"].get("curves", [])]
    found = {
        "accuracy": accuracy_rows(together),
        "cost": cost_rows(together),
        "leads": lead_rows(together),
        "overall": overall_rows(together),
        "sampling": sampling_rows(together, expected),
        "retraining": retraining_rows(cells),
        "scores": score_rows(cells),
        "families": family_rows(curves),
        "stops": stop_rows(curves),
    }
    return {name: t.to_markdown(index=False, disable_numparse=True) for name, t in found.items()}


def fill(page: Path, tables: Mapping[str, str]):
    """Put each table between <!-- name --> and <!-- end -->; ValueError where a mark is missing."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables.items():
        pattern = rf"<!-- {name} -->.*?<!-- end -->"
        if not re.search(pattern, text, re.DOTALL):
            raise ValueError(f"{page} has no <!-- {name} --> ... <!-- end -->")
        block = f"<!-- {name} -->\n\n{table}\n\n<!-- end -->"
        text = re.sub(pattern, lambda _, block=block: block, text, flags=re.DOTALL)
    page.write_text(text, encoding="utf-8")

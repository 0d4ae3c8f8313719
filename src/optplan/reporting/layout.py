"""A table as CSV in full precision, and as Markdown and LaTeX in the layout of the paper."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

MEASURED, PUBLISHED = "measured", "published"
RECORD = (
    "row",
    "column",
    "source",
    "experiment",
    "mean",
    "std",
    "seeds",
    "n",
    "epochs",
    "seconds",
    "device",
    "commit",
)
COUNTS = ("seeds", "n", "epochs")
LATEX = {character: f"\\{character}" for character in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "→": r"$\rightarrow$",
    "²": "$^2$",
    "<": "$<$",
    ">": "$>$",
}


@dataclass(slots=True, kw_only=True)
class Table:
    """Texts as they are printed, and the numbers behind them.

    Args:
        name: such as "table3".
        title: what it shows, one line.
        header: of the columns; `texts` of them, the first ones, are no numbers.
        rows: the cells' texts, empty where there is nothing.
        notes: sentences below it.
        records: one for each number, with the keys of `RECORD`; fractions for accuracies.
    """

    name: str
    title: str
    header: list[str]
    texts: int
    rows: list[list[str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    records: list[dict] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write <name>.csv, .md and .tex."""
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        records = pd.DataFrame(self.records, columns=list(RECORD))
        records = records.astype(dict.fromkeys(COUNTS, "Int64"))  # whole also where some are empty
        records.to_csv(folder / f"{self.name}.csv", index=False, lineterminator="\n")
        (folder / f"{self.name}.md").write_text(self.markdown(), encoding="utf-8")
        (folder / f"{self.name}.tex").write_text(self.latex(), encoding="utf-8")

    def markdown(self) -> str:
        align = ["left"] * self.texts + ["right"] * (len(self.header) - self.texts)
        table = pd.DataFrame(self.rows, columns=self.header)
        text = table.to_markdown(index=False, colalign=align, disable_numparse=True)
        return "\n\n".join([f"# {self.title}", text, *self.notes]) + "\n"

    def latex(self) -> str:
        """A booktabs tabular in a table environment."""
        align = "l" * self.texts + "r" * (len(self.header) - self.texts)
        body = [_line(self.header), r"\midrule"]
        for number, row in enumerate(self.rows):
            if number and row[0] and row[0] != self.rows[number - 1][0]:
                body.append(r"\addlinespace")
            body.append(_line(row))
        title = re.sub(r"^Table \w+: ", "", self.title)  # LaTeX numbers tables itself
        notes = " ".join([title[0].upper() + title[1:] + ".", *self.notes])
        return "\n".join(
            [
                r"\begin{table}",
                r"\centering",
                rf"\caption{{{escape(notes)}}}",
                rf"\label{{tab:{self.name}}}",
                rf"\begin{{tabular}}{{{align}}}",
                r"\toprule",
                *body,
                r"\bottomrule",
                r"\end{tabular}",
                r"\end{table}",
                "",
            ]
        )


def escape(text: str) -> str:
    """Plain text as LaTeX."""
    return "".join(LATEX.get(character, character) for character in text)


def _line(cells: Sequence[str]) -> str:
    return " & ".join(map(escape, cells)) + r" \\"

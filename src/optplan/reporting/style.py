"""How every figure looks, and how it is written.

Every figure is written as PDF and PNG. The same input gives the same bytes: no file says when or
with which version it was drawn.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

COLUMN, PAGE = 3.4, 7.0  # widths in inches of one column and of a page

# Colours of Okabe and Ito, which stay apart for colour-blind readers.
BLACK, GREY, RED, BLUE = "#000000", "#9A9A9A", "#D55E00", "#0072B2"
SKY, GREEN = "#56B4E9", "#009E73"
MUTED, MUTED_TEXT = "#DDA07C", "#A65A2E"
PANEL, QUIET = "#F5F5F2", "#555555"

STYLE: "dict[RcKeyType, Any]" = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so every machine has it
    "font.size": 7,
    "axes.titlesize": 7.5,
    "axes.labelsize": 7,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.labelsize": 6.5,
    "ytick.labelsize": 6.5,
    "xtick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.width": 0.6,
    "ytick.major.size": 2.5,
    "legend.frameon": False,
    "legend.fontsize": 6.5,
    "pdf.fonttype": 42,
}


def save(figure: Figure, path_stem: Path) -> None:
    stem = Path(path_stem)
    stem.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(stem.with_name(stem.name + ".pdf"), metadata={"CreationDate": None})
    figure.savefig(stem.with_name(stem.name + ".png"), dpi=200, metadata={"Software": None})

"""Which score ranks parents better: the fitted f(t*) or the observed y at t*."""

from collections.abc import Sequence
from statistics import fmean, stdev

import pandas as pd
from cells import Cell, digits_of
from scipy.stats import spearmanr

SCORES = ("fitted", "observed")


def score_rows(cells: Sequence[Cell]) -> pd.DataFrame:
    """Both scores of every transition beside the test top-1 of its model, by video set."""
    together: dict[str, list[Cell]] = {}
    for cell in cells:
        if "candidates" in cell.content:
            together.setdefault(cell.experiment, []).append(cell)
    rows = []
    for experiment, own in together.items():
        found = pd.concat([_candidates(cell) for cell in own])
        states = [s for _, s in found.groupby(["seed", "state"]) if len(s) > 1]
        choices = {score: [s.loc[s[score].idxmax()] for s in states] for score in SCORES}
        for score in SCORES:
            chosen = pd.DataFrame(choices[score])
            leads = chosen.groupby("seed")["test"].mean()
            leads -= pd.DataFrame(choices["observed"]).groupby("seed")["test"].mean()
            rows.append(
                {
                    "Set": experiment,
                    "Score": score,
                    "Transitions": len(found),
                    "Off by (points)": f"{100 * stdev(found[score] - found['test']):.1f}",
                    "Rank correlation": f"{fmean(_correlations(states, score)):.2f}",
                    "States": len(states),
                    "Parents it takes": _percent(chosen["test"]),
                    "any parent": _percent([s["test"].mean() for s in states]),
                    "best parent": _percent([s["test"].max() for s in states]),
                    "Lead by seed": ""
                    if score == "observed"
                    else ", ".join(f"{100 * lead:+.1f}" for lead in leads),
                }
            )
    return pd.DataFrame(rows)


def _candidates(cell: Cell) -> pd.DataFrame:
    """A row for each transition: seed, state, both scores and test top-1, all as fractions."""
    table = pd.DataFrame(cell.content["candidates"]["candidates"]).assign(seed=cell.seed)
    table["test"] = [digits_of(right).mean() for right in table.pop("right")]
    table.index = [f"{cell.seed} {name}" for name in table.pop("transition")]
    return table


def _correlations(states: Sequence[pd.DataFrame], score: str) -> list[float]:
    """Spearman's, with the test top-1 of the candidates of a state; none where all are equal."""
    return [
        float(spearmanr(state[score], state["test"]).statistic)
        for state in states
        if state[score].nunique() > 1 and state["test"].nunique() > 1
    ]


def _percent(values) -> str:
    return f"{100 * fmean(values):.1f}"

"""Dynamic programming over the transition graph, one state at a time (Sec. 3.2, Eq. 2).

Everything here is plain dictionaries, as they stand in the knee.json of a transition and in the
JSON record of a state, so that every choice can be read where it was made.

A candidate is a trained transition: "transition", "source" and "target" are names, "epochs" is its
knee t*, "trained_epochs" what it took to see the knee, "fitted" and "observed" are the scores f(t*)
and y_t*. Any other keys are carried along.
"""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from optplan.planning.states import START, State, Transition, TransitionGraph

SCORES = ("fitted", "observed")
ROOT: dict[str, Any] = {"state": START, "model": START, "path": []}


def choose_parent(candidates: Iterable[Mapping], *, score: str = "fitted") -> Mapping:
    """The candidate with the highest score.

    "fitted" averages the noise of all evaluations, "observed" is the one at t*. Ties go to the
    candidate that trained fewer epochs, then to the first in graph order. ValueError when there is
    no candidate, or one without that score.
    """
    ranking = _ranked(candidates, score)
    if not ranking:
        raise ValueError("there is no candidate to choose a parent from")
    return ranking[0]


def state_record(
    state: State,
    candidates: Iterable[Mapping],
    parents: Mapping[str, Mapping],
    skipped: Iterable[Mapping] = (),
    *,
    score: str = "fitted",
) -> dict:
    """Why this parent: the record of a state, from its candidates and its sources' own records.

    `parents` maps the name of each source state to its record; the start needs none. "model" names
    the transition whose weights the state passes on. A knee at t* = 0 trained nothing: the model is
    then the parent's, and the state does not appear in "path". ValueError for a candidate that
    leads elsewhere, or whose source has no record.
    """
    ranking = _ranked(candidates, score)
    for candidate in ranking:
        if candidate["target"] != state.name:
            raise ValueError(
                f"{candidate['transition']} leads to {candidate['target']}, not to {state.name}"
            )
    winner = choose_parent(ranking, score=score)
    parent = ({START: ROOT} | dict(parents)).get(winner["source"])
    if parent is None:
        raise ValueError(f"{winner['transition']} needs the record of {winner['source']}")
    trained = winner["epochs"] > 0
    step = [{"state": state.name, "epochs": winner["epochs"]}] if trained else []
    return {
        "state": state.name,
        "parent": winner["source"],
        "transition": winner["transition"],
        "epochs": winner["epochs"],
        "score": winner[score],
        "scored_by": score,
        "model": winner["transition"] if trained else parent["model"],
        "path": [*parent["path"], *step],
        "candidates": ranking,
        "skipped": list(skipped),
    }


def distinct_transitions(
    transitions: Iterable[Transition], models: Mapping[str, str]
) -> tuple[list[Transition], list[dict]]:
    """(to train, skipped) among the transitions into one state.

    Two transitions that start from the same model would train the same weights with the same
    settings; only the first in graph order is trained. This happens when a source's knee was at
    t* = 0, so that it passes on its parent's model. `models` maps each source name to its record's
    "model"; the start needs none. Skipped entries read {"transition", "why"}.
    """
    models = {START: START} | dict(models)
    first: dict[str, Transition] = {}
    skipped = []
    for transition in sorted(transitions):
        model = models.get(transition.source_name)
        if model is None:
            raise ValueError(f"{transition.name} needs the model of {transition.source_name}")
        if model in first:
            weights = "the initial weights" if model == START else f"the model of {model}"
            why = f"{first[model].name} already trains {weights} with the same settings"
            skipped.append({"transition": transition.name, "why": why})
        else:
            first[model] = transition
    return list(first.values()), skipped


def promising_first(
    transitions: Iterable[Transition], scores: Mapping[str, float]
) -> list[Transition]:
    """Transitions into one state, those from the best source first.

    `scores` maps each source name to its record's score; the start comes last, and ties stay in
    graph order. What is trained first is what the others have to beat.
    """
    return sorted(transitions, key=lambda t: (-scores.get(t.source_name, -math.inf), t))


def race(scores: Mapping[str, float], margin: float) -> dict[str, str]:
    """Why a sampling strategy is not explored further, by sampling; the others are left out.

    `scores` maps each sampling to the score of its first state with the longest clips. A sampling
    that trails the best one by more than `margin` is given up.
    """
    best = max(scores, key=lambda sampling: scores[sampling])
    return {
        sampling: f"{sampling} trails {best} by {scores[best] - score:.3f} at the first state with "
        f"the longest clips, more than {margin:g}"
        for sampling, score in scores.items()
        if scores[best] - score > margin
    }


def unexplored_record(state: State, skipped: Iterable[Mapping]) -> dict:
    """The record of a state that is given up: no parent, no model, and why, by transition."""
    return {
        "state": state.name,
        "parent": None,
        "transition": None,
        "epochs": 0,
        "score": None,
        "model": None,
        "path": [],
        "candidates": [],
        "skipped": list(skipped),
    }


def plan(records: Mapping[str, Mapping], graph: TransitionGraph) -> dict:
    """The path to the better final state, from the records of the graph's final states by name.

    Ties go to the path with fewer epochs, then to the first final state. A final state that was
    given up has no score and is not among "finals". ValueError when a final state has no record.
    """
    missing = [final.name for final in graph.finals if final.name not in records]
    if missing:
        raise ValueError(f"no record of final state {', '.join(missing)}")
    finals = [
        {
            "state": final.name,
            "score": records[final.name]["score"],
            "epochs": sum(step["epochs"] for step in records[final.name]["path"]),
        }
        for final in graph.finals
        if records[final.name]["score"] is not None
    ]
    best = min(finals, key=lambda final: (-final["score"], final["epochs"]))
    record = records[best["state"]]
    return {
        "final": best["state"],
        "score": best["score"],
        "epochs": best["epochs"],
        "model": record["model"],
        "path": list(record["path"]),
        "finals": finals,
    }


def _ranked(candidates: Iterable[Mapping], score: str) -> list[Mapping]:
    """The candidates, best first."""
    if score not in SCORES:
        raise ValueError(f"score {score!r} must be 'fitted' or 'observed'")
    candidates = list(candidates)
    for candidate in candidates:
        if candidate.get(score) is None:
            raise ValueError(f"{candidate['transition']} has no {score} score")
    return sorted(
        candidates,
        key=lambda c: (-c[score], c["trained_epochs"], Transition.parse(c["transition"])),
    )

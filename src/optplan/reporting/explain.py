"""Why a state has the parent it has, for a person, from the state's record."""

from collections.abc import Mapping

from tabulate import tabulate

from optplan.planning.metric import TOP_1, metric_of

REASONS = {
    "knee": "the knee was passed",
    "bounded": "it could not win any more",
    "max_epochs": "max_epochs were trained",
}


def explain(record: Mapping) -> str:
    """The candidates of a state, best first, what was not trained and why, and the path.

    `record` is the content of states/<state>.json; scores are those of validation videos: top-1, or
    what the candidates name as their metric.
    """
    lines = [_verdict(record), ""]
    if record["candidates"]:
        lines += [_table(record), ""]
    for entry in record["skipped"]:
        lines.append(f"Not trained: {entry['transition']}, because {entry['why']}.")
    if record["skipped"]:
        lines.append("")
    if record["score"] is not None:
        steps = [f"{step['state']} (t* = {step['epochs']})" for step in record["path"]]
        lines.append(f"Its best path: {' -> '.join(['start', *steps])}.")
    return "\n".join(lines).rstrip() + "\n"


def _verdict(record: Mapping) -> str:
    name, candidates = record["state"], record["candidates"]
    if not candidates:
        return f"{name} was not explored."
    best = f"{name} follows {record['parent']} with {100 * record['score']:.1f} %"
    if metric_of(candidates[0]) != TOP_1:
        best += f" {metric_of(candidates[0]).title}"
    if record["epochs"] == 0:
        best += " and keeps its model: the knee lies at t* = 0, training only lost"
    if len(candidates) == 1:
        return f"{best}; no other transition into it was trained."
    second = candidates[1]
    lead = 100 * (record["score"] - second[record["scored_by"]])
    noise = 100 * candidates[0]["residual_std"]
    return (
        f"{best}, {lead:.1f} points ahead of {second['source']}; "
        f"one epoch's score scatters by {noise:.1f} points around the curve."
    )


def _table(record: Mapping) -> str:
    rows = [
        {
            "from": candidate["source"],
            "fitted (%)": _percent(candidate["fitted"]),
            "observed (%)": _percent(candidate["observed"]),
            "t*": candidate["epochs"],
            "trained": candidate["trained_epochs"],
            "stopped when": REASONS[candidate["reason"]],
        }
        for candidate in record["candidates"]
    ]
    align = ("left", "right", "right", "right", "right", "left")
    return tabulate(rows, "keys", "pipe", colalign=align, disable_numparse=True)


def _percent(score: float | None) -> str:
    return "-" if score is None else f"{100 * score:.1f}"

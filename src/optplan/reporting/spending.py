"""What training cost: each hand-tuned run as if trained alone, or what was really spent.

The paper counts each run of the grid alone (Table 4). What runs have in common is trained once
here, so the grid was cheaper than that.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from optplan.planning.strategies import HandTuned, stage_name, stage_tree
from optplan.reporting.records import COUNTS, costs, read_json

NOTHING = dict.fromkeys(COUNTS, 0)


def cost_alone(run: Path, strategy: str) -> dict:
    """Epochs, frames, seconds and devices of a hand-tuned strategy, as if trained alone.

    Of a stage that others train for longer it costs its share of the epochs.
    """
    stages = HandTuned.parse(strategy).stages
    total: dict[str, Any] = NOTHING | {"devices": set()}
    for number in range(1, len(stages) + 1):
        own = costs([_file(run, stage_name(stages[:number]))])
        share = stages[number - 1].epochs / own["epochs"]
        for key in COUNTS:
            part = own[key] * share
            total[key] += part if key == "seconds" else round(part)
        total["devices"] |= own["devices"]
    return total


def cost_spent(run: Path, strategies: Iterable[str]) -> dict:
    """The same of all these strategies together, each stage counted once."""
    tree = stage_tree(map(HandTuned.parse, strategies))
    return costs(_file(run, stage.name) for stage in tree)


def cost_planned(run: Path, plan: Mapping, *, searched: bool, name: str = "planned") -> dict:
    """The same of the retrained path; with all transitions it was chosen from, if `searched`.

    `plan` is the content of the plan.yaml that was retrained: stages of an earlier, longer plan may
    still lie beside its own.
    """
    own = [_file(run, f"{name}/{number}") for number in range(1, len(plan["path"]) + 1)]
    if not own and not searched:
        return NOTHING | {"devices": set()}  # a path that stays with the initial weights
    return costs([*(transition_costs(run) if searched else []), *own])


def transition_costs(run: Path) -> list[Path]:
    """The costs of the transitions that the records count, not of others that may lie there."""
    records = [read_json(path) for path in sorted(Path(run, "states").glob("*.json"))]
    candidates = [c for record in records for c in record["candidates"]]
    return [Path(run) / "transitions" / c["transition"] / "cost.json" for c in candidates]


def sum_costs(parts: Iterable[dict]) -> dict:
    """Several costs as one."""
    parts = list(parts)
    total = {key: sum(part[key] for part in parts) for key in COUNTS}
    return total | {"devices": set().union(*(part["devices"] for part in parts))}


def _file(run: Path, stage: str) -> Path:
    path = Path(run) / "strategies" / stage / "cost.json"
    if not path.exists():
        raise ValueError(f"there is no {path}: has its training finished?")
    return path

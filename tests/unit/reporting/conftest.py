"""A finished run on synthetic curves: every choice in it is made by the real planner."""

import json
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import yaml

from optplan.planning.knee import KneeStopper
from optplan.planning.selection import distinct_transitions, plan, state_record
from optplan.planning.states import TransitionGraph
from optplan.planning.strategies import HandTuned, stage_tree

LENGTHS, RATES = (8, 16, 32), (0.01, 0.001, 0.0001)
STRATEGIES = ("cs-l1-l2-l3-3-step-48", "cs-l1-l3-3-step-24", "us-l3-cosine-24")
# What each state could reach. cs-l3-r2 brings nothing over cs-l3-r1, yet the best path passes it.
REACH = {
    "cs": ((0.52, 0.58, 0.57), (0.60, 0.61, 0.64), (0.67, 0.63, 0.72)),
    "us": ((0.40, 0.45, 0.47), (0.46, 0.50, 0.52), (0.47, 0.53, 0.55)),
}


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")


def cost(epochs):
    return json.dumps(
        {
            "epochs": epochs,
            "frames_trained": 96_000 * epochs,
            "frames_evaluated": 24_000 * epochs,
            "seconds": 41.5 * epochs,
            "device": "cpu",
        }
    )


def train(run, transition, start, noise):
    """A transition's files; returns its candidate."""
    target = transition.target
    reach = REACH[target.sampling][target.length - 1][target.rate - 1]
    stopper, scores = KneeStopper(max_epochs=60), []
    for epoch in range(61):
        rise = (reach - start) * (1 - np.exp(-epoch / 5))
        wobble = noise.normal(0, 0.006) if epoch else 0.0
        scores.append(float(start + rise - 0.0015 * epoch + wobble))
        decision = stopper.update(epoch, scores[-1])
        if decision.stop:
            break
    knee = {
        "transition": transition.name,
        "source": transition.source_name,
        "target": target.name,
        "epochs": decision.best_epoch,
        "trained_epochs": epoch,
        "fitted": decision.fitted,
        "observed": decision.observed,
        "residual_std": decision.residual_std,
        "identified": decision.identified,
        "reason": decision.reason,
        "fit": asdict(decision.fit),
    }
    folder = run / "transitions" / transition.name
    lines = [json.dumps({"epoch": t, "top1": y, "loss": None}) for t, y in enumerate(scores)]
    write(folder / "curve.jsonl", "\n".join(lines) + "\n")
    write(folder / "knee.json", json.dumps(knee))
    write(folder / "cost.json", cost(epoch))
    return knee


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The folder `run`, and its graph, records, plan and labels."""
    run = tmp_path_factory.mktemp("results") / "shapes" / "seed-1"
    graph, noise, records = TransitionGraph(), np.random.default_rng(1), {}
    for state in graph.states:
        models = {name: record["model"] for name, record in records.items()}
        to_train, skipped = distinct_transitions(graph.incoming(state), models)
        candidates = []
        for transition in to_train:
            parent = transition.source_name
            score = 0.0 if transition.source is None else records[parent]["score"]
            candidates.append(train(run, transition, score, noise))
        records[state.name] = state_record(state, candidates, records, skipped)
        write(run / "states" / f"{state.name}.json", json.dumps(records[state.name]))

    best = plan(records, graph)
    content = {
        "experiment": "shapes",
        "seed": 1,
        "sampling": best["final"][:2],
        "expected": {"top1": best["score"], "standard_error": 0.031, "videos": 210},
        "path": best["path"],
        "finals": {final["state"]: final["score"] for final in best["finals"]},
    }
    write(run / "plan.yaml", yaml.safe_dump(content, sort_keys=False))
    for name, top1 in zip((*STRATEGIES, "planned"), (0.64, 0.63, 0.61, 0.7), strict=True):
        metrics = {"strategy": name, "top1": top1, "top5": 0.9, "videos": 400}
        write(run / "evaluation" / name / "metrics.json", json.dumps(metrics))
    for stage in stage_tree(map(HandTuned.parse, STRATEGIES)):
        write(run / "strategies" / stage.name / "cost.json", cost(stage.stage.epochs))
    for number, step in enumerate(content["path"], start=1):
        write(run / "strategies" / "planned" / str(number) / "cost.json", cost(step["epochs"]))
    labels = {"lengths": LENGTHS, "rates": RATES}
    return SimpleNamespace(run=run, graph=graph, records=records, plan=content, labels=labels)

"""Planning in one process: the best of all paths, every model copied, nothing trained twice."""

import json
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from optplan.planning.knee import KneeStopper
from optplan.planning.search import plan, train_transition
from optplan.planning.simulate import Task
from optplan.planning.states import START, State, TransitionGraph
from optplan.reporting.graph_figure import graph_edges

ROOT = Path(__file__).parents[3]
COSTS = r"^\| ([^|]+?) \| [^|]+ \| ([\d.]+) \| \d+ \|$"  # the method and its cost ratio
L1R1 = State("cs", 1, 1)
QUICK = {"delay": 1, "min_epochs": 4, "min_epochs_start": 4, "max_epochs": 20}  # one fit a knee

graphs = st.builds(
    TransitionGraph,
    samplings=st.sampled_from([("cs",), ("us",), ("cs", "us")]),
    num_lengths=st.integers(1, 3),
    num_rates=st.integers(1, 3),
    kind=st.sampled_from(["basic", "extended"]),
    starts=st.sampled_from(["one", "two"]),
)


def parabola(top, knee, model, changed):
    """Scores with their top at epoch `knee`, where the model is `changed`."""
    for epoch in range(1000):
        yield top - 0.01 * (epoch - knee) ** 2, changed if epoch == knee else model


@settings(max_examples=25, deadline=None)
@given(graph=graphs, seed=st.integers(0, 2**32 - 1))
def test_planning_finds_the_best_of_all_paths_when_a_better_parent_makes_a_better_child(
    graph, seed
):
    rng = np.random.default_rng(seed)
    names = [(t.source_name, t.target.name) for t in graph.transitions]
    kept = {name: rng.uniform(0.5, 1.0) for name in names}
    gain = {name: rng.uniform(0.0, 0.3) for name in names}

    def after(model, state):
        value, setting = model
        name = setting, state.name
        return kept[name] * value + gain[name], state.name

    def train(model, state):
        better = after(model, state)
        yield from parabola(better[0], 2, model, better)

    def end(path):
        model = 0.0, START
        for state in path:
            model = after(model, state)
        return model[0]

    found = plan(graph, (0.0, START), train, **QUICK)
    best = max((path for final in graph.finals for path in graph.paths(final)), key=end)
    assert found.plan["path"] == [{"state": state.name, "epochs": 2} for state in best]
    assert found.plan["score"] == pytest.approx(end(best), abs=1e-8)
    assert found.plan["sampling"] == best[-1].sampling
    assert found.model == (pytest.approx(end(best)), best[-1].name)


@pytest.mark.parametrize("seed", range(4))
def test_no_model_is_trained_twice_with_the_same_setting(seed):
    rng = np.random.default_rng(seed)
    graph = TransitionGraph()
    idle = {state for state in graph.states if rng.uniform() < 0.4}
    calls = []

    def train(model, state):
        calls.append((model, state))
        if state in idle:
            return parabola(0.5, 0, model, model)
        return parabola(0.5 + 0.1 * rng.uniform(), 2, model, (*model, state.name))

    found = plan(graph, (), train, **QUICK)
    skipped = [entry for record in found.records.values() for entry in record["skipped"]]
    assert len(calls) == len(set(calls)) == len(found.curves)
    assert len(calls) + len(skipped) == len(graph.transitions)
    assert skipped
    assert list(found.model) == [step["state"] for step in found.plan["path"]]


def test_a_network_that_is_trained_in_place_is_kept_as_it_was_at_the_knee():
    def train(network, state):
        while True:
            yield 0.8 - 0.01 * (network["epochs"] - 6) ** 2, network
            network["epochs"] += 1

    initial = {"epochs": 0}
    trained = train_transition(train, initial, L1R1, KneeStopper(delay=3, min_epochs=4))
    assert trained.model == {"epochs": 6}
    assert trained.decision.best_epoch == 6
    assert trained.scores[6] == max(trained.scores)
    assert len(trained.scores) == 1 + trained.decision.epoch == 11
    assert initial == {"epochs": 0}


def test_a_model_that_is_replaced_every_epoch_is_kept_as_it_was_at_the_knee():
    def train(weights, state):
        while True:
            yield 0.8 - 0.01 * (weights[0] - 6) ** 2, weights
            weights = weights + 1

    trained = train_transition(train, np.zeros(3), L1R1, KneeStopper(delay=3, min_epochs=4))
    assert trained.model.tolist() == [6, 6, 6]


def test_start_transitions_wait_for_longer():
    def train(model, state):
        return parabola(0.5, 2, model, state.name)

    graph = TransitionGraph(samplings=("cs",), num_lengths=1, num_rates=2)
    found = plan(graph, None, train, min_epochs=5, min_epochs_start=9, delay=1)
    trained = {name: len(scores) - 1 for name, scores in found.curves.items()}
    assert trained == {"start--cs-l1-r1": 9, "cs-l1-r1--cs-l1-r2": 5}


def test_every_epoch_is_reported_with_its_transition():
    seen = []
    graph = TransitionGraph(samplings=("cs",), num_lengths=1, num_rates=2)
    found = plan(
        graph,
        None,
        lambda model, state: parabola(0.5, 2, model, state.name),
        report=lambda transition, decision: seen.append((transition.name, decision.epoch)),
        **QUICK,
    )
    expected = [(name, epoch) for name, scores in found.curves.items() for epoch in range(5)]
    assert seen == expected


def test_the_records_are_ready_for_json_and_for_the_figures():
    task = Task(1)
    graph = TransitionGraph(samplings=("us",), num_lengths=2, num_rates=2)
    found = plan(graph, task.initial, task.train, max_epochs=30)
    assert json.loads(json.dumps(found.records)) == found.records
    kinds = [edge.kind for edge in graph_edges(graph, found.records, found.plan)]
    assert kinds.count("chosen") >= len(found.plan["path"])
    for before, after in pairwise(found.records["us-l2-r2"]["candidates"]):
        assert before["fitted"] >= after["fitted"]
    assert plan(graph, task.initial, task.train, max_epochs=30) == found


def test_what_train_must_not_do_is_said():
    def endless(shown):
        while True:
            yield shown

    cases = {
        "cs-l1-r1 ended before epoch 3": iter([(0.1, None)] * 3),
        r"must yield \(score, model\)": endless(0.5),
        "epoch 0 is nan": endless((float("nan"), None)),
    }
    for message, epochs in cases.items():
        with pytest.raises(ValueError, match=message):
            plan(TransitionGraph(), None, lambda model, state, epochs=epochs: epochs)


def test_planning_does_not_import_torch():
    code = "import sys, optplan.planning.search, optplan.planning.simulate; print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert "optplan.planning.search" in modules
    assert "torch" not in modules.split()


def test_the_benchmark_prints_both_tables():
    sizes = ["--tasks", "2", "--exhaustive", "1", "--size", "2", "--max-epochs", "20"]
    command = [sys.executable, ROOT / "benchmarks" / "search.py", *sizes]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    rows = dict(re.findall(r"^\| ([^|]+?) \| (.+) \|$", result.stdout, re.MULTILINE))
    assert rows["planning, extended graph, T=10"] == "0 | 1.00 | 2"
    cost = {name: float(cell) for name, cell in re.findall(COSTS, result.stdout, re.MULTILINE)}
    assert cost["planning, basic graph, T=10"] < 1 < cost["all paths, beginnings shared"]
    assert cost["hand-tuned grid, beginnings shared"] < cost["hand-tuned grid, each run alone"]
    assert rows["1 GPU"] == "1.00"
    assert 1.5 < float(rows["2 GPUs"]) <= 2


def test_the_benchmark_knows_the_economical_preset():
    code = "import json, search; print(json.dumps(list(search.CHEAPER.items())[-1]))"
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "benchmarks", capture_output=True, check=True
    )
    name, settings = json.loads(printed.stdout)
    preset = yaml.safe_load((ROOT / "config" / "presets.yaml").read_text())["economical"]
    assert name.startswith("economical")
    assert settings == preset["knee"] | preset["planning"]


def test_a_bound_stops_what_cannot_win_and_a_race_gives_up_a_sampling():
    found = plan(TransitionGraph(), Task(3).initial, Task(3).train, bound=1.0, race=0.0)
    candidates = [c for record in found.records.values() for c in record["candidates"]]
    bounded = [c for c in candidates if c["reason"] == "bounded"]
    assert bounded
    for c in bounded:
        record = found.records[c["target"]]
        assert c["transition"] != record["transition"]
        assert c["upper"] < record["score"]
    given_up = {name for name, record in found.records.items() if record["score"] is None}
    other = "us" if found.plan["sampling"] == "cs" else "cs"
    assert given_up == {f"{other}-l{length}-r{rate}" for length in (1, 2, 3) for rate in (2, 3)}
    assert len(candidates) + sum(len(r["skipped"]) for r in found.records.values()) == 36

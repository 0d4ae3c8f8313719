"""The choice of parents: dynamic programming that equals brute force, and says why."""

import json
from itertools import pairwise

import numpy as np
import pytest

from optplan.planning.selection import choose_parent, distinct_transitions, plan, state_record
from optplan.planning.states import START, State, Transition, TransitionGraph

L1R1, L2R1, L1R2 = State("cs", 1, 1), State("cs", 2, 1), State("cs", 1, 2)


def candidate(transition, *, epochs=10, fitted=0.5, observed=0.5, trained_epochs=21):
    if isinstance(transition, str):
        transition = Transition.parse(transition)
    return {
        "transition": transition.name,
        "source": transition.source_name,
        "target": transition.target.name,
        "epochs": epochs,
        "trained_epochs": trained_epochs,
        "fitted": fitted,
        "observed": observed,
        "reason": "knee",
    }


def plan_all(graph, train):
    """The records of all states, where `train(transition, parent's score)` gives (score, t*)."""
    records = {START: {"score": 0.0, "model": START, "path": []}}
    for state in graph.states:
        incoming = graph.incoming(state)
        parents = {t.source_name: records[t.source_name] for t in incoming}
        models = {name: record["model"] for name, record in parents.items()}
        to_train, skipped = distinct_transitions(incoming, models)
        candidates = []
        for transition in to_train:
            score, epochs = train(transition, parents[transition.source_name]["score"])
            candidates.append(candidate(transition, epochs=epochs, fitted=score))
        records[state.name] = state_record(state, candidates, parents, skipped)
    return records


def brute_force(graph, train):
    """The score of every path to every final state, as {states: score}."""
    scores = {}
    for final in graph.finals:
        for path in graph.paths(final):
            score = 0.0
            for source, target in pairwise((None, *path)):
                score, _ = train(Transition(source, target), score)
            scores[path] = score
    return scores


@pytest.mark.parametrize("seed", range(10))
def test_planning_finds_the_best_of_all_paths_when_a_better_parent_makes_a_better_child(seed):
    rng = np.random.default_rng(seed)
    graph = TransitionGraph(kind=("basic", "extended")[seed % 2])
    kept = {t: rng.uniform(0.5, 1.0) for t in graph.transitions}
    gain = {t: rng.uniform(0.0, 0.3) for t in graph.transitions}

    def train(transition, parent_score):
        return kept[transition] * parent_score + gain[transition], 10

    chosen = plan(plan_all(graph, train), graph)
    scores = brute_force(graph, train)
    best = max(scores, key=scores.get)
    assert chosen["score"] == pytest.approx(scores[best], rel=1e-12)
    assert [step["state"] for step in chosen["path"]] == [state.name for state in best]


@pytest.mark.parametrize("seed", range(10))
def test_states_that_train_nothing_do_not_change_what_is_found(seed):
    rng = np.random.default_rng(seed)
    graph = TransitionGraph()
    idle = {state for state in graph.states if rng.uniform() < 0.4}
    kept = {state: rng.uniform(0.5, 1.0) for state in graph.states}

    def train(transition, parent_score):
        if transition.target in idle:
            return parent_score, 0
        return kept[transition.target] * parent_score + 0.2, 10

    records = plan_all(graph, train)
    chosen = plan(records, graph)
    assert chosen["score"] == pytest.approx(max(brute_force(graph, train).values()), rel=1e-12)
    assert not {step["state"] for step in chosen["path"]} & {state.name for state in idle}
    assert any(record["skipped"] for name, record in records.items() if name != START)


def test_the_highest_score_wins_and_the_two_scores_may_disagree():
    smooth = candidate("start--cs-l2-r1", fitted=0.6, observed=0.5)
    lucky = candidate("cs-l1-r1--cs-l2-r1", fitted=0.5, observed=0.7)
    assert choose_parent([lucky, smooth]) is smooth
    assert choose_parent([lucky, smooth], score="observed") is lucky


def test_a_tie_goes_to_less_training_and_then_to_graph_order():
    first = candidate("start--cs-l2-r1")
    second = candidate("cs-l1-r1--cs-l2-r1")
    quick = candidate("cs-l1-r1--cs-l2-r1", trained_epochs=20)
    assert choose_parent([second, first]) is first
    assert choose_parent([first, quick]) is quick


def test_a_record_tells_the_choice_and_keeps_every_candidate_best_first():
    parents = {
        "cs-l1-r1": {"model": "start--cs-l1-r1", "path": [{"state": "cs-l1-r1", "epochs": 7}]}
    }
    worse = candidate("start--cs-l2-r1", fitted=0.4) | {"seconds": 12.5}
    better = candidate("cs-l1-r1--cs-l2-r1", fitted=0.6, epochs=5)
    record = state_record(L2R1, [worse, better], parents)
    assert record == {
        "state": "cs-l2-r1",
        "parent": "cs-l1-r1",
        "transition": "cs-l1-r1--cs-l2-r1",
        "epochs": 5,
        "score": 0.6,
        "scored_by": "fitted",
        "model": "cs-l1-r1--cs-l2-r1",
        "path": [{"state": "cs-l1-r1", "epochs": 7}, {"state": "cs-l2-r1", "epochs": 5}],
        "candidates": [better, worse],
        "skipped": [],
    }
    assert json.loads(json.dumps(record)) == record


def test_a_knee_at_zero_passes_the_parents_model_on_and_leaves_the_path():
    nothing = candidate("start--cs-l1-r1", epochs=0)
    first = state_record(L1R1, [nothing], {})
    assert (first["model"], first["path"]) == (START, [])

    parents = {"cs-l1-r1": {"model": "m", "path": [{"state": "cs-l1-r1", "epochs": 3}]}}
    record = state_record(L1R2, [candidate("cs-l1-r1--cs-l1-r2", epochs=0)], parents)
    assert record["model"] == "m"
    assert record["path"] == [{"state": "cs-l1-r1", "epochs": 3}]
    assert record["transition"] == "cs-l1-r1--cs-l1-r2"


def test_of_two_transitions_from_one_model_the_first_is_trained_and_the_other_explained():
    incoming = TransitionGraph().incoming(L2R1)
    to_train, skipped = distinct_transitions(reversed(incoming), {"cs-l1-r1": START})
    assert [t.name for t in to_train] == ["start--cs-l2-r1"]
    assert [entry["transition"] for entry in skipped] == ["cs-l1-r1--cs-l2-r1"]
    assert "start--cs-l2-r1 already trains the initial weights" in skipped[0]["why"]

    to_train, skipped = distinct_transitions(incoming, {"cs-l1-r1": "start--cs-l1-r1"})
    assert to_train == list(incoming)
    assert skipped == []


def test_the_shared_model_is_named_when_it_is_not_the_start():
    transitions = [Transition(L1R1, L1R2), Transition(L2R1, L1R2)]
    models = {"cs-l1-r1": "start--cs-l1-r1", "cs-l2-r1": "start--cs-l1-r1"}
    _, skipped = distinct_transitions(transitions, models)
    assert "the model of start--cs-l1-r1" in skipped[0]["why"]


def test_the_better_final_state_is_planned_and_a_tie_goes_to_the_shorter_path():
    graph = TransitionGraph(num_lengths=1, num_rates=1)

    def final(name, score, epochs):
        return {"score": score, "model": name, "path": [{"state": name, "epochs": epochs}]}

    records = {"cs-l1-r1": final("cs-l1-r1", 0.5, 9), "us-l1-r1": final("us-l1-r1", 0.6, 99)}
    chosen = plan(records, graph)
    assert (chosen["final"], chosen["score"], chosen["epochs"]) == ("us-l1-r1", 0.6, 99)
    assert chosen["path"] == [{"state": "us-l1-r1", "epochs": 99}]
    assert [entry["score"] for entry in chosen["finals"]] == [0.5, 0.6]
    records["cs-l1-r1"]["score"] = 0.6
    assert plan(records, graph)["final"] == "cs-l1-r1"


def test_what_is_missing_is_named():
    with pytest.raises(ValueError, match="no candidate"):
        choose_parent([])
    with pytest.raises(ValueError, match="start--cs-l1-r1 has no observed"):
        choose_parent([candidate("start--cs-l1-r1", observed=None)], score="observed")
    with pytest.raises(ValueError, match="'best' must be"):
        choose_parent([candidate("start--cs-l1-r1")], score="best")
    with pytest.raises(ValueError, match="leads to cs-l2-r1, not to cs-l1-r1"):
        state_record(L1R1, [candidate("start--cs-l2-r1")], {})
    with pytest.raises(ValueError, match="record of cs-l1-r1"):
        state_record(L2R1, [candidate("cs-l1-r1--cs-l2-r1")], {})
    with pytest.raises(ValueError, match="model of cs-l1-r1"):
        distinct_transitions([Transition(L1R1, L2R1)], {})
    with pytest.raises(ValueError, match="us-l3-r3"):
        plan({"cs-l3-r3": {"score": 1.0, "path": [], "model": START}}, TransitionGraph())

import pytest
from reproduce import assert_reproducible

from optplan.planning.selection import unexplored_record
from optplan.planning.states import State, Transition, TransitionGraph
from optplan.reporting.graph_figure import draw_graph, graph_edges, path_edges


@pytest.fixture
def edges(finished):
    return graph_edges(finished.graph, finished.records, finished.plan)


def of_kind(edges, *kinds):
    return [edge for edge in edges if edge.kind in kinds]


def test_every_transition_of_the_graph_is_one_edge(finished, edges):
    drawn = [Transition(edge.source, edge.target) for edge in edges]
    assert drawn == list(finished.graph.transitions)


def test_the_chosen_edges_lead_from_the_start_to_the_final_state(finished, edges):
    chosen = of_kind(edges, "chosen")
    sources, targets = {edge.source for edge in chosen}, {edge.target for edge in chosen}
    assert sources - targets == {None}
    assert targets - sources == {State("cs", 3, 3)}
    steps = [{"state": e.target.name, "epochs": e.epochs} for e in chosen if e.epochs > 0]
    assert steps == finished.plan["path"]


def test_the_chosen_path_passes_a_state_that_was_left_at_its_parents_model(finished, edges):
    dropped = State("cs", 3, 2)
    assert dropped.name not in [step["state"] for step in finished.plan["path"]]
    assert [e.epochs for e in of_kind(edges, "chosen") if e.target == dropped] == [0]


def test_the_best_path_of_the_other_sampling_is_apart(edges):
    other = of_kind(edges, "other")
    assert {edge.target.sampling for edge in other} == {"us"}
    assert other[-1].target == State("us", 3, 3)


def test_exactly_the_transitions_without_training_are_skipped(finished, edges):
    skipped = {s["transition"] for record in finished.records.values() for s in record["skipped"]}
    drawn = of_kind(edges, "skipped")
    assert {Transition(edge.source, edge.target).name for edge in drawn} == skipped != set()
    assert {edge.epochs for edge in drawn} == {None}
    assert None not in {edge.epochs for edge in of_kind(edges, "explored", "other", "chosen")}


def test_a_state_without_a_record_is_named(finished):
    records = {name: r for name, r in finished.records.items() if name != "us-l2-r2"}
    with pytest.raises(ValueError, match="no record of state us-l2-r2"):
        graph_edges(finished.graph, records, finished.plan)


def test_a_bounded_transition_and_a_given_up_sampling_look_different(finished):
    records = {name: dict(record) for name, record in finished.records.items()}
    loser = dict(records["cs-l2-r2"]["candidates"][-1], reason="bounded")
    records["cs-l2-r2"]["candidates"] = [*records["cs-l2-r2"]["candidates"][:-1], loser]
    for state in finished.graph.states:
        if state.sampling == "us" and state.rate > 1:
            skipped = [
                {"transition": transition.name, "why": "us trails"}
                for transition in finished.graph.incoming(state)
            ]
            records[state.name] = unexplored_record(state, skipped)
    edges = graph_edges(finished.graph, records, finished.plan)
    bounded = of_kind(edges, "bounded")
    assert [Transition(e.source, e.target).name for e in bounded] == [loser["transition"]]
    assert {e.target.rate for e in of_kind(edges, "given up")} == {2, 3}
    assert not of_kind(edges, "other")


def test_a_plan_alone_is_drawn_with_the_state_that_it_leaves_out():
    steps = [("cs-l2-r1", 73), ("cs-l1-r2", 30), ("cs-l3-r2", 7), ("cs-l3-r3", 19)]
    plan = {"path": [{"state": state, "epochs": epochs} for state, epochs in steps]}
    edges = path_edges(TransitionGraph(samplings=("cs",)), plan)
    drawn = [(edge.target.name, edge.epochs) for edge in edges]
    assert drawn == [*steps[:2], ("cs-l2-r2", 0), *steps[2:]]
    assert edges[0].source is None


def test_a_path_with_a_leap_is_refused():
    plan = {"path": [{"state": "cs-l3-r3", "epochs": 1}]}
    with pytest.raises(ValueError, match="no transition leads from start to cs-l3-r3"):
        path_edges(TransitionGraph(samplings=("cs",)), plan)


def test_the_graph_is_drawn_twice_to_the_same_bytes(finished, edges, tmp_path):
    inputs = finished.graph, edges, finished.records, finished.labels
    assert_reproducible(tmp_path, lambda stem: draw_graph(*inputs, stem))


def test_a_plan_of_one_sampling_can_be_drawn_without_records(finished, tmp_path):
    graph = TransitionGraph(samplings=("cs",))
    draw_graph(graph, path_edges(graph, finished.plan), {}, finished.labels, tmp_path / "cs")
    assert (tmp_path / "cs.png").stat().st_size > 0

import pytest

from optplan.planning.states import State, Transition, TransitionGraph
from optplan.reporting.figures import draw_curves, draw_graph, graph_edges, transition_title


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


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("start--cs-l2-r1", "cs: start → l2, r1"),
        ("cs-l1-r1--cs-l2-r1", "cs: l1 → l2, r1"),
        ("us-l3-r1--us-l3-r2", "us: l3, r1 → r2"),
        ("us-l3-r1--us-l2-r2", "us: l3 → l2, r1 → r2"),
    ],
)
def test_a_title_says_what_the_transition_changes(name, title):
    assert transition_title(Transition.parse(name)) == title


def test_the_graph_is_drawn_twice_to_the_same_bytes(finished, tmp_path):
    inputs = finished.graph, finished.records, finished.plan, finished.labels
    assert_reproducible(tmp_path, lambda stem: draw_graph(*inputs, stem))


def test_the_curves_are_drawn_twice_to_the_same_bytes(finished, tmp_path):
    names = [record["transition"] for record in finished.records.values()][:4]
    assert_reproducible(tmp_path, lambda stem: draw_curves(finished.run, names, stem))


def test_a_graph_of_one_sampling_can_be_drawn(finished, tmp_path):
    graph = TransitionGraph(samplings=("cs",))
    draw_graph(graph, finished.records, finished.plan, finished.labels, tmp_path / "cs")
    assert (tmp_path / "cs.png").stat().st_size > 0


def test_no_curves_are_refused(finished, tmp_path):
    with pytest.raises(ValueError, match="transitions is empty"):
        draw_curves(finished.run, [], tmp_path / "curves")


def assert_reproducible(folder, draw):
    """The dot in the name must survive: it is a name, not a suffix."""
    draw(folder / "first" / "figure.v1")
    draw(folder / "second" / "figure.v1")
    for suffix, magic in ((".pdf", b"%PDF"), (".png", b"\x89PNG")):
        first = (folder / "first" / f"figure.v1{suffix}").read_bytes()
        assert first.startswith(magic)
        assert first == (folder / "second" / f"figure.v1{suffix}").read_bytes()

"""The transition graph against the counts of the paper's Fig. 1 and by its defining properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optplan.planning.states import START, State, Transition, TransitionGraph

graphs = st.builds(
    TransitionGraph,
    samplings=st.sampled_from([("cs",), ("us",), ("cs", "us")]),
    num_lengths=st.integers(1, 5),
    num_rates=st.integers(1, 5),
    kind=st.sampled_from(["basic", "extended"]),
    starts=st.sampled_from(["one", "two"]),
)


def graph_of(num_lengths, num_rates, kind="extended", starts="two"):
    return TransitionGraph(("cs",), num_lengths, num_rates, kind, starts)


@pytest.mark.parametrize(
    ("graph", "transitions", "paths"),
    [
        (graph_of(3, 3, "basic"), 14, 9),
        (graph_of(3, 3, "extended"), 18, 35),
        (graph_of(3, 3, "basic", "one"), 13, 6),
        (graph_of(3, 3, "extended", "one"), 17, 20),
        (graph_of(2, 3, "basic"), 9, 4),
        (graph_of(2, 3, "extended"), 11, 13),
        (graph_of(3, 5), 32, 494),
        (graph_of(5, 3), 32, 103),
        (graph_of(5, 5), 58, 2800),
        (graph_of(1, 1), 1, 1),
        (graph_of(1, 4), 4, 1),
        (graph_of(4, 1), 5, 2),
    ],
)
def test_transitions_and_paths_are_as_many_as_counted_by_hand(graph, transitions, paths):
    assert len(graph.transitions) == transitions
    assert len(set(graph.paths(graph.finals[0]))) == paths
    assert len(list(graph.paths(graph.finals[0]))) == paths


@pytest.mark.parametrize(("kind", "prefixes", "runs"), [("basic", 28, 42), ("extended", 95, 194)])
def test_paths_share_prefixes_as_counted_by_hand(kind, prefixes, runs):
    paths = list(graph_of(3, 3, kind).paths(State("cs", 3, 3)))
    assert len({path[:k] for path in paths for k in range(1, len(path) + 1)}) == prefixes
    assert sum(map(len, paths)) == runs


def test_two_samplings_double_the_graph_and_never_meet():
    graph = TransitionGraph()
    assert len(graph.transitions) == 36
    assert [final.name for final in graph.finals] == ["cs-l3-r3", "us-l3-r3"]


def test_the_topological_order_of_nine_states_goes_diagonal_by_diagonal():
    names = ["l1-r1", "l2-r1", "l1-r2", "l3-r1", "l2-r2", "l1-r3", "l3-r2", "l2-r3", "l3-r3"]
    assert [state.name for state in graph_of(3, 3).states] == [f"cs-{name}" for name in names]


@given(graphs)
def test_every_transition_leads_forward_so_there_is_no_cycle(graph):
    rank = {state: k for k, state in enumerate(graph.states)}
    for transition in graph.transitions:
        assert transition.source is None or rank[transition.source] < rank[transition.target]
    assert list(graph.states) == sorted(graph.states)
    assert list(graph.transitions) == sorted(graph.transitions)
    assert len(set(graph.transitions)) == len(graph.transitions)


@given(graphs)
def test_incoming_and_outgoing_both_list_every_transition_once(graph):
    outgoing = [t for state in (None, *graph.states) for t in graph.outgoing(state)]
    assert sorted(outgoing) == list(graph.transitions)
    assert all(graph.incoming(state) for state in graph.states), "a state nobody can reach"


@given(graphs)
def test_only_unit_moves_and_the_shortening_diagonal_exist(graph):
    allowed = {(1, 0), (0, 1)} | ({(-1, 1)} if graph.kind == "extended" else set())
    for transition in graph.transitions:
        source, target = transition.source, transition.target
        if source is None:
            assert target.rate == 1
            assert target.length <= 2
        else:
            assert source.sampling == target.sampling
            assert (target.length - source.length, target.rate - source.rate) in allowed


@given(st.integers(1, 5), st.integers(1, 5), st.sampled_from(["one", "two"]))
def test_the_basic_graph_is_part_of_the_extended_one(num_lengths, num_rates, starts):
    basic = graph_of(num_lengths, num_rates, "basic", starts)
    extended = graph_of(num_lengths, num_rates, "extended", starts)
    assert set(basic.transitions) <= set(extended.transitions)
    diagonals = (num_lengths - 1) * (num_rates - 1)
    assert len(extended.transitions) - len(basic.transitions) == diagonals


@given(graphs)
def test_names_can_be_read_back(graph):
    assert [State.parse(state.name) for state in graph.states] == list(graph.states)
    assert [Transition.parse(t.name) for t in graph.transitions] == list(graph.transitions)


@given(graphs)
def test_no_two_places_of_the_drawing_coincide(graph):
    places = [graph.position(state) for state in (None, *graph.states)]
    assert len(set(places)) == len(places)


def test_names_read_as_documented():
    assert State("us", 3, 1).name == "us-l3-r1"
    start = Transition(None, State("cs", 2, 1))
    assert start.name == "start--cs-l2-r1"
    assert start.source_name == START
    assert Transition.parse("cs-l2-r1--cs-l1-r2") == Transition(
        State("cs", 2, 1), State("cs", 1, 2)
    )


@pytest.mark.parametrize(
    "name", ["start", "cs-l0-r1", "cs-l1", "xs-l1-r1", "cs-l1-r1 ", "cs_l1_r1"]
)
def test_a_wrong_state_name_is_refused_and_the_right_form_shown(name):
    with pytest.raises(ValueError, match=f"{name!r}.*cs-l1-r2"):
        State.parse(name)


@pytest.mark.parametrize("name", ["cs-l1-r1", "start-cs-l1-r1", "cs-l1-r1--start", "cs-l1-r1--"])
def test_a_wrong_transition_name_is_refused(name):
    with pytest.raises(ValueError, match="names no"):
        Transition.parse(name)


def test_a_transition_between_sampling_strategies_is_refused():
    with pytest.raises(ValueError, match="sampling strategy"):
        Transition.parse("cs-l1-r1--us-l1-r2")


@pytest.mark.parametrize(
    "wrong",
    [
        {"samplings": ()},
        {"samplings": ("cs", "cs")},
        {"samplings": ("dense",)},
        {"num_lengths": 0},
        {"num_rates": 0},
        {"kind": "full"},
        {"starts": "three"},
    ],
)
def test_a_graph_that_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        TransitionGraph(**wrong)


def test_a_state_outside_the_graph_is_refused_by_name():
    with pytest.raises(ValueError, match="us-l1-r1"):
        graph_of(3, 3).incoming(State("us", 1, 1))
    with pytest.raises(ValueError, match="cs-l4-r1"):
        graph_of(3, 3).outgoing(State("cs", 4, 1))

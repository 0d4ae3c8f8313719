from optplan.planning.states import State, TransitionGraph
from optplan.planning.variants import variants

GRAPH = TransitionGraph()


def path(*names):
    return [State.parse(f"cs-{name}") for name in names]


def test_a_state_is_inserted_where_transitions_lead_to_it_and_on():
    found = variants(GRAPH, path("l2-r1", "l3-r1", "l3-r2", "l3-r3"))
    assert {name for name in found if name.startswith("with-")} == {
        "with-cs-l1-r1",  # start -> l1 -> l2
        "with-cs-l2-r2",  # l3-r1 -> l2-r2 -> l3-r2
        "with-cs-l2-r3",  # l3-r2 -> l2-r3 -> l3-r3
    }
    assert found["with-cs-l2-r2"] == tuple(path("l2-r1", "l3-r1", "l2-r2", "l3-r2", "l3-r3"))


def test_every_state_but_the_last_is_left_out_once():
    found = variants(GRAPH, path("l2-r1", "l3-r2", "l3-r3"))
    assert found["without-cs-l2-r1"] == tuple(path("l3-r2", "l3-r3"))
    assert found["without-cs-l3-r2"] == tuple(path("l2-r1", "l3-r3"))
    assert "without-cs-l3-r3" not in found


def test_a_state_that_the_plan_left_at_0_epochs_can_come_back():
    assert "with-cs-l2-r2" in variants(GRAPH, path("l2-r1", "l1-r2", "l3-r2", "l3-r3"))

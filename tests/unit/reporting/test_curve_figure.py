import pytest
from reproduce import assert_reproducible

from optplan.planning.states import Transition
from optplan.reporting.curve_figure import draw_curves, transition_title


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


def test_the_curves_are_drawn_twice_to_the_same_bytes(finished, tmp_path):
    names = [record["transition"] for record in finished.records.values()][:4]
    assert_reproducible(tmp_path, lambda stem: draw_curves(finished.run, names, stem))


def test_no_curves_are_refused(finished, tmp_path):
    with pytest.raises(ValueError, match="transitions is empty"):
        draw_curves(finished.run, [], tmp_path / "curves")

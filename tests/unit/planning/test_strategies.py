"""Hand-tuned strategies spend exactly their epochs, and share what they have in common."""

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optplan.planning.strategies import HandTuned, StageSpec, paper_grid, stage_tree

GRID = [
    HandTuned(*choice)
    for choice in product(
        ("cs", "us"),
        ((1, 2, 3), (1, 3), (2, 3)),
        ("3-step", "cosine"),
        (128, 192, 256, 320, 384),
    )
]
hand_tuned = st.builds(
    HandTuned,
    sampling=st.sampled_from(["cs", "us"]),
    lengths=st.lists(st.integers(1, 4), min_size=1, max_size=3, unique=True).map(tuple),
    decay=st.sampled_from(["2-step", "3-step", "cosine"]),
    epochs=st.integers(9, 60),
)


def test_three_steps_fall_from_r1_to_r3_at_every_clip_length():
    strategy = HandTuned("cs", (1, 3), "3-step", 12)
    assert strategy.stages == tuple(
        StageSpec("cs", length, rate, "constant", 2) for length in (1, 3) for rate in (1, 2, 3)
    )


def test_a_cosine_is_one_stage_per_clip_length():
    assert HandTuned("us", (2, 3), "cosine", 11).stages == (
        StageSpec("us", 2, 1, "cosine", 6),
        StageSpec("us", 3, 1, "cosine", 5),
    )


def test_what_does_not_divide_goes_to_the_earlier_stages():
    stages = HandTuned("cs", (1, 2, 3), "3-step", 128).stages
    assert [stage.epochs for stage in stages] == [15, 14, 14, 15, 14, 14, 14, 14, 14]


@given(hand_tuned)
def test_epochs_add_up_and_parts_differ_by_two_at_most(strategy):
    epochs = [stage.epochs for stage in strategy.stages]
    assert sum(epochs) == strategy.epochs
    assert min(epochs) >= 1
    assert max(epochs) - min(epochs) <= 2


@given(hand_tuned)
def test_a_name_can_be_read_back(strategy):
    assert HandTuned.parse(strategy.name) == strategy


def test_names_read_as_documented():
    assert HandTuned("cs", (1, 2, 3), "3-step", 48).name == "cs-l1-l2-l3-3-step-48"
    assert [stage.name for stage in HandTuned("us", (2,), "2-step", 5).stages] == [
        "us-l2-r1-3",
        "us-l2-r2-2",
    ]
    assert HandTuned("us", (2,), "cosine", 5).stages[0].name == "us-l2-cosine-5"


@given(st.lists(hand_tuned, min_size=1, max_size=8))
def test_the_stage_tree_leads_to_every_strategy_and_trains_nothing_twice(strategies):
    tree = stage_tree(strategies)
    ends = {part.name: part.ends for part in tree}
    assert len(ends) == len(tree)
    done = set()
    for part in tree:
        assert part.before == () or part.before in done
        assert part.ends[-1] == part.stage.epochs >= part.ends[0] >= 1
        done |= {(*part.before, replace(part.stage, epochs=epochs)) for epochs in part.ends}
    assert {strategy.stages for strategy in strategies} <= done
    # An independent count: the distinct prefixes of all runs, epoch by epoch.
    prefixes = set()
    for strategy in strategies:
        run = []
        for stage in strategy.stages:
            same_rate = stage.epochs if stage.schedule == "cosine" else None
            for _ in range(stage.epochs):
                run.append((stage.sampling, stage.length, stage.rate, stage.schedule, same_rate))
                prefixes.add(tuple(run))
    assert sum(part.stage.epochs for part in tree) == len(prefixes)


def test_a_stage_is_trained_once_and_left_where_a_strategy_branches_off():
    short, long = HandTuned("cs", (1,), "2-step", 4), HandTuned("cs", (1,), "2-step", 10)
    assert [(part.name, part.ends) for part in stage_tree([long, short])] == [
        ("cs-l1-r1", (2, 5)),
        ("cs-l1-r1-5+cs-l1-r2", (5,)),
        ("cs-l1-r1-2+cs-l1-r2", (2,)),
    ]


def test_cosines_of_different_length_have_nothing_in_common():
    runs = [HandTuned("us", (2, 3), "cosine", epochs) for epochs in (8, 10)]
    assert [part.name for part in stage_tree(runs)] == [
        "us-l2-cosine-4",
        "us-l2-cosine-4+us-l3-cosine-4",
        "us-l2-cosine-5",
        "us-l2-cosine-5+us-l3-cosine-5",
    ]


def test_the_papers_grid_is_sixty_runs_of_which_little_can_be_shared():
    assert paper_grid(3, 3) == GRID
    assert len(GRID) == 60
    tree = stage_tree(GRID)
    assert len(tree) == 242 < sum(len(run.stages) for run in GRID) == 280
    cost = {1: 1, 2: 2, 3: 4}
    alone = sum(stage.epochs * cost[stage.length] for run in GRID for stage in run.stages)
    shared = sum(part.stage.epochs * cost[part.stage.length] for part in tree)
    assert 0.94 < shared / alone < 0.97


def test_two_clip_lengths_leave_one_sequence():
    assert [run.name for run in paper_grid(2, 3, [12])] == [
        "cs-l1-l2-3-step-12",
        "cs-l1-l2-cosine-12",
        "us-l1-l2-3-step-12",
        "us-l1-l2-cosine-12",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {"sampling": "dense"},
        {"lengths": ()},
        {"lengths": (0, 1)},
        {"decay": "step"},
        {"decay": "0-step"},
        {"epochs": 5},
    ],
)
def test_a_strategy_that_cannot_be_is_refused(wrong):
    right = {"sampling": "cs", "lengths": (1, 3), "decay": "3-step", "epochs": 6}
    with pytest.raises(ValueError, match="must be"):
        HandTuned(**(right | wrong))


@pytest.mark.parametrize("name", ["cs-l1-3-step", "l1-l2-cosine-8", "cs-cosine-8", "cs-l1-step-8"])
def test_a_wrong_name_is_refused_and_the_right_form_shown(name):
    with pytest.raises(ValueError, match=f"{name!r}.*cs-l1-l2-l3-3-step-48"):
        HandTuned.parse(name)

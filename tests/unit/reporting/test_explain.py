import json

import pytest

from optplan.__main__ import main
from optplan.planning.selection import unexplored_record
from optplan.planning.states import State, TransitionGraph
from optplan.reporting.explain import explain


def test_the_candidates_are_told_best_first_with_what_they_lead_by(finished):
    record = finished.records["cs-l2-r2"]
    first, second = record["candidates"][:2]
    text = explain(record)
    lead = 100 * (first["fitted"] - second["fitted"])
    assert f"follows {first['source']} with" in text
    assert f"{lead:.1f} points ahead of {second['source']}" in text
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len(table) == 2 + len(record["candidates"])
    assert table[2].startswith(f"| {first['source']}")
    assert text.rstrip().splitlines()[-1].startswith("Its best path: start -> cs-l")


def test_scores_of_another_metric_are_called_by_its_name(finished):
    record = finished.records["cs-l2-r2"]
    assert "top-1" not in explain(record)
    candidates = [c | {"metric": "top-1-3-5"} for c in record["candidates"]]
    score = f"{100 * record['score']:.1f} % mean top-1/3/5"
    assert score in explain(record | {"candidates": candidates})


def test_a_state_that_trained_nothing_says_that_it_keeps_its_parents_model(finished):
    kept = next(record for record in finished.records.values() if record["epochs"] == 0)
    assert "keeps its model: the knee lies at t* = 0" in explain(kept)


def test_what_was_not_trained_says_why():
    graph = TransitionGraph()
    skipped = [
        {"transition": transition.name, "why": "us trails cs by 0.100"}
        for transition in graph.incoming(State("us", 2, 2))
    ]
    text = explain(unexplored_record(State("us", 2, 2), skipped))
    assert text.startswith("us-l2-r2 was not explored.")
    assert text.count("because us trails cs by 0.100.") == 3


def test_the_command_prints_it_and_names_a_file_that_is_no_record(finished, capsys, tmp_path):
    path = finished.run / "states" / "cs-l3-r3.json"
    main(["explain", str(path)])
    assert capsys.readouterr().out.startswith("cs-l3-r3 follows")
    (tmp_path / "odd.json").write_text(json.dumps([]))
    with pytest.raises(SystemExit, match=r"odd\.json is not the record of a state"):
        main(["explain", str(tmp_path / "odd.json")])

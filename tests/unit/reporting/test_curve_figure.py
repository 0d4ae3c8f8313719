import json
import shutil

import pytest
from reproduce import assert_reproducible

from optplan.planning.metric import TOP_1_3_5
from optplan.planning.states import Transition
from optplan.reporting.curve_figure import draw_curves, transition_title
from optplan.reporting.records import read_curve


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


def test_an_axis_is_called_by_the_metric_of_its_curves(finished, tmp_path):
    name = finished.records["cs-l3-r3"]["transition"]
    run = shutil.copytree(finished.run, tmp_path / "run")
    folder = run / "transitions" / name
    entries = map(json.loads, (folder / "curve.jsonl").read_text().splitlines())
    scores = [round(entry["top1"] * 1024) / 1024 for entry in entries]  # whose mean is exact
    same = [{"epoch": t, "top1": y, "top3": y, "top5": y} for t, y in enumerate(scores)]
    (folder / "curve.jsonl").write_text("\n".join(map(json.dumps, same)))
    draw_curves(run, [name], tmp_path / "top-1")
    knee = json.loads((folder / "knee.json").read_text()) | {"metric": "top-1-3-5"}
    (folder / "knee.json").write_text(json.dumps(knee))
    draw_curves(run, [name], tmp_path / "other")
    # With the same scores only the label can differ.
    curve = folder / "curve.jsonl"
    assert read_curve(curve) == read_curve(curve, TOP_1_3_5)
    assert (tmp_path / "top-1.png").read_bytes() != (tmp_path / "other.png").read_bytes()


def test_no_curves_are_refused(finished, tmp_path):
    with pytest.raises(ValueError, match="transitions is empty"):
        draw_curves(finished.run, [], tmp_path / "curves")

import json

import pytest
import yaml

from optplan.config import resolve
from optplan.planfile import write_plan, write_variant_plan
from optplan.planning.selection import state_record
from optplan.planning.states import State

KNEE = {"source": "start", "target": "cs-l1-r1", "epochs": 7, "trained_epochs": 18, "frames": 9}
KNEE |= {"transition": "start--cs-l1-r1", "fitted": 0.64, "observed": 0.7, "reason": "knee"}


def planned(folder, metric: str, mark: dict) -> dict:
    """The plan of a graph with one state, on 100 validation videos."""
    own = {
        "data": {"format": "embedded", "name": "motion", "validation_videos": 100},
        "states": {"sampling": ["cs"], "clip_lengths": [16], "learning_rates": [0.01]},
        "knee": {"metric": metric},
    }
    settings = resolve({"experiments": {"a": own}})["experiments"]["a"]
    record = folder / "cs-l1-r1.json"
    record.write_text(json.dumps(state_record(State("cs", 1, 1), [KNEE | mark], {})))
    output = folder / "plan.yaml"
    write_plan([record], [], settings, experiment="a", seed=1, output=str(output))
    knee = folder / "knee.json"
    knee.write_text(json.dumps(KNEE | mark))
    variant = str(folder / "variant.yaml")
    write_variant_plan([knee], str(output), settings, variant="with-cs-l1-r1", output=variant)
    expected = yaml.safe_load((folder / "variant.yaml").read_text())["expected"]
    return yaml.safe_load(output.read_text()) | {"of_variant": expected}


def test_a_plan_expects_a_top_1_with_its_binomial_error(tmp_path):
    plan = planned(tmp_path, "top-1", {})
    error = pytest.approx(0.048)
    assert plan["expected"] == {"top1": 0.64, "standard_error": error, "videos": 100}
    assert plan["of_variant"] == {"top1": 0.64}


def test_a_plan_names_the_metric_that_it_was_made_with_and_a_bound_of_its_error(tmp_path):
    plan = planned(tmp_path, "top-1-3-5", {"metric": "top-1-3-5"})
    name, error = "mean_of_top1_top3_top5", pytest.approx(0.048)
    assert plan["expected"] == {name: 0.64, "standard_error_at_most": error, "videos": 100}
    assert plan["of_variant"] == {name: 0.64}

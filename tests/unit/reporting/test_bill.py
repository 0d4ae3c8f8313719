import json

import pytest

from optplan.reporting.bill import bill_rows, table_rows, write_bill

STUDY = {
    "study": "s",
    "experiments": {
        "a": {"plan_of": None, "weights_of": None},
        "b": {"plan_of": None, "weights_of": "a"},
        "waits": {"plan_of": None, "weights_of": None},
    },
    "tables": {"table3": {"DG-P3D": "a"}, "table4": {"set": "b"}, "table1": ["waits"]},
}


@pytest.fixture
def results(tmp_path):
    """Seconds of every job below results/s."""
    jobs = {
        "a/seed-1/transitions/start--cs-l1-r1": (1800, "2 x GPU"),
        "a/seed-2/transitions/start--cs-l1-r1": (1800, "GPU"),
        "a/seed-1/strategies/planned/1": (900, "GPU"),
        "a/seed-1/variants/without-cs-l1-r1/1": (900, "GPU"),
        "b/seed-1/strategies/cs-l1-cosine": (3600, "cpu"),
    }
    for folder, (seconds, device) in jobs.items():
        cost = {"epochs": 2, "frames_trained": 10, "frames_evaluated": 5, "seconds": seconds}
        path = tmp_path / folder / "cost.json"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(cost | {"device": device}))
    return tmp_path


def test_hours_are_those_of_one_device(results):
    bill = bill_rows(results, STUDY).set_index(["experiment", "part"])
    assert bill["device_hours"].to_dict() == {
        ("a", "planning"): 1.5,  # one job ran on two
        ("a", "paths"): 0.5,
        ("b", "hand-tuned"): 1.0,
    }
    assert bill.loc[("a", "planning"), ["jobs", "frames"]].tolist() == [2, 30]
    assert bill.loc[("a", "planning"), "device"] == "GPU"


def test_a_table_costs_what_its_experiments_build_on_too(results):
    tables = table_rows(bill_rows(results, STUDY), STUDY).set_index("table")
    assert tables["device_hours"].to_dict() == {"table3": 2.0, "table4": 3.0}
    assert tables["experiments"].to_dict() == {"table3": 1, "table4": 2}


def test_people_read_the_parts_side_by_side(results, tmp_path):
    bill = bill_rows(results, STUDY)
    path = tmp_path / "costs.md"
    write_bill(bill, table_rows(bill, STUDY), path)
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in path.open()]
    assert ["a", "1.50", "0.50", "", "2.00", "0.00", "4"] in rows
    assert ["all", "1.50", "0.50", "1.00", "3.00", "0.00", "5"] in rows
    assert ["table4", "2", "0.00", "3.00"] in rows


def test_a_study_that_has_trained_nothing_costs_nothing(tmp_path):
    bill = bill_rows(tmp_path, STUDY)
    assert bill.empty
    write_bill(bill, table_rows(bill, STUDY), tmp_path / "costs.md")
    assert "| all " in (tmp_path / "costs.md").read_text()

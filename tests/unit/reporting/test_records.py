import json

import pytest

from optplan.planning.metric import TOP_1_3_5
from optplan.reporting.records import costs, read_curve, read_json, read_yaml


def test_a_curve_is_read_in_the_order_of_its_epochs(tmp_path):
    path = tmp_path / "curve.jsonl"
    path.write_text(
        '{"epoch": 0, "top1": 0.1, "loss": null}\n{"epoch": 1, "top1": 1, "loss": 2.3}\n'
    )
    assert read_curve(path) == [0.1, 1.0]


def test_a_curve_of_another_metric_is_read_as_its_mean(tmp_path):
    path = tmp_path / "curve.jsonl"
    path.write_text('{"epoch": 0, "loss": null, "top1": 0.25, "top3": 0.5, "top5": 0.75}\n')
    assert read_curve(path, TOP_1_3_5) == [0.5]
    assert read_curve(path) == [0.25]


def test_a_curve_with_a_missing_epoch_is_refused(tmp_path):
    path = tmp_path / "curve.jsonl"
    path.write_text('{"epoch": 0, "top1": 0.1}\n{"epoch": 2, "top1": 0.2}\n')
    with pytest.raises(ValueError, match=r"curve.jsonl, line 2 has epoch 2, it must be 1"):
        read_curve(path)


@pytest.mark.parametrize("read", [read_json, read_yaml, read_curve])
def test_a_damaged_file_is_named(tmp_path, read):
    path = tmp_path / "damaged"
    path.write_text("{'epoch: [")
    with pytest.raises(ValueError, match="damaged"):
        read(path)


def test_costs_are_summed_and_devices_collected(tmp_path):
    paths = []
    for k, device in enumerate(["cpu", "gpu", "cpu"], start=1):
        paths.append(tmp_path / f"{k}.json")
        part = {"epochs": k, "frames_trained": 10 * k, "frames_evaluated": k, "seconds": 0.5}
        paths[-1].write_text(json.dumps(part | {"device": device}))
    assert costs(paths) == {
        "epochs": 6,
        "frames_trained": 60,
        "frames_evaluated": 6,
        "seconds": 1.5,
        "devices": {"cpu", "gpu"},
    }


def test_no_cost_at_all_is_not_a_cost_of_zero():
    with pytest.raises(ValueError, match=r"no cost\.json"):
        costs([])

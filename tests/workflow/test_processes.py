"""A transition trained by two processes with decoders of their own, through the workflow."""

import json

from running import Workflow

FOLDER = "results/tiny/motion/seed-3/transitions/start--cs-l1-r1"


def test_two_processes_train_a_transition_and_fewer_are_no_reason_to_train_again(tmp_path):
    compute = {"processes": 2, "workers": 1}
    workflow = Workflow(tmp_path, {"defaults.compute": compute, "defaults.knee.max_epochs": 4})
    output = workflow.check(f"{FOLDER}/knee.json")
    assert "disk: weights take" in output
    knee = json.loads((tmp_path / FOLDER / "knee.json").read_text())
    cost = json.loads((tmp_path / FOLDER / "cost.json").read_text())
    assert knee["trained_epochs"] == cost["epochs"] == 4
    assert cost["device"] == "2 x cpu"
    assert cost["frames_trained"] == 4 * 16 * 4  # 16 videos once an epoch, not once a process

    changed = Workflow(tmp_path, {"defaults.compute": {}, "defaults.knee.max_epochs": 4})
    assert "Nothing to be done" in changed.check(f"{FOLDER}/knee.json")

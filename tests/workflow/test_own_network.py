"""The page about a network of one's own: its network is planned and evaluated as it stands."""

import json
import re
from pathlib import Path

import torch
import yaml
from running import ROOT, Workflow

RUN = "tiny/motion/seed-3"


def source() -> str:
    page = (ROOT / "docs" / "own-network.md").read_text(encoding="utf-8")
    return re.search(r"```python\n(.*?)```", page, re.DOTALL)[1]


def workflow_with(folder: Path, code: str, **changes) -> Workflow:
    """The tiny study with the network mine:tiny of the module that `code` makes."""
    network = {"name": "mine:tiny", "dropout": 0.1}
    workflow = Workflow(folder, {"defaults.network": network, "defaults.strategies": []} | changes)
    (folder / "mine.py").write_text(code)
    return workflow


def test_the_network_of_the_guide_is_planned_and_evaluated(tmp_path):
    workflow = workflow_with(tmp_path, source(), **{"defaults.training.freeze_bn_from": 8})
    workflow.check()
    run = tmp_path / "results" / RUN
    plan = yaml.safe_load((run / "plan.yaml").read_text())
    assert plan["network"]["name"] == "mine:tiny"
    assert plan["final"] == "cs-l2-r2"
    assert json.loads((run / "evaluation/planned/metrics.json").read_text())["videos"] == 8
    assert "planned path" in (tmp_path / "results/tiny/tables/comparison.md").read_text()

    names = {}
    exec(source(), names)
    weights = run / "strategies" / "planned" / str(len(plan["path"])) / "weights.pt"
    names["tiny"](num_classes=4, dropout=0.0).load_state_dict(torch.load(weights))


def test_logits_of_another_shape_stop_the_run_before_training(tmp_path):
    workflow = workflow_with(tmp_path, source().replace("num_classes)", "num_classes + 1)"))
    status, output = workflow.run(f"results/{RUN}/transitions/start--cs-l1-r1/knee.json")
    assert status == 1
    wrong = "'mine:tiny' turns clips (1, 3, 4, 32, 32) into (1, 5): it must return logits (1, 4)"
    assert wrong in output
    assert not workflow.results(f"{RUN}/**/*.pt")


def test_a_module_that_is_missing_stops_the_run_before_it_begins(tmp_path):
    workflow = workflow_with(tmp_path, source())
    (tmp_path / "mine.py").unlink()
    status, output = workflow.run()
    assert status == 1
    assert f"there is no module 'mine' in {tmp_path}" in output
    assert not workflow.results()

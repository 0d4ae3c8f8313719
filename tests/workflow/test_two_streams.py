"""Two modalities of the same videos: flow, a plan of another experiment, fusion (Table 7)."""

import csv
import json
import shutil

import numpy as np
from running import Workflow

TABLE = "results/tiny/tables/comparison.csv"


def test_rgb_and_flow_share_videos_and_plan_and_are_fused(tmp_path):
    workflow = Workflow(tmp_path, study="flow.yaml")
    workflow.check(TABLE)
    results = tmp_path / "results" / "tiny"

    splits = [results / name / "data" / "split.tsv" for name in ("rgb", "flow")]
    assert splits[0].read_bytes() == splits[1].read_bytes()
    assert len([*(results / "flow/data/flow").rglob("*.mp4")]) == 32
    assert not (results / "flow/seed-3/transitions").exists()

    with (tmp_path / TABLE).open(newline="") as file:
        rows = {row["experiment"]: row for row in csv.DictReader(file)}
    assert rows["rgb"]["strategy"] == "planned path"
    assert rows["flow"]["strategy"] == "replayed path"
    fused = json.loads((results / "fusion/both.json").read_text())
    assert float(rows["both"]["top1"]) == fused["top1"]
    assert int(rows["both"]["epochs"]) == sum(int(rows[name]["epochs"]) for name in ("rgb", "flow"))

    # Stopped after planning, before flow was trained: its stages must still follow the plan.
    run = results / "flow" / "seed-3"
    with np.load(run / "evaluation/planned/scores.npz") as file:
        before = dict(file)
    for folder in (run / "strategies", run / "evaluation", results / "fusion", results / "tables"):
        shutil.rmtree(folder)
    output = workflow.check(TABLE)
    assert "extract_flow" not in output
    with np.load(run / "evaluation/planned/scores.npz") as file:
        after = dict(file)
    assert before.keys() == after.keys() == {"scores", "targets", "videos"}
    assert all(np.array_equal(before[key], after[key]) for key in before)
    assert json.loads((results / "fusion/both.json").read_text()) == fused

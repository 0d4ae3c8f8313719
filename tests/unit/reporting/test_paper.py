"""The paper's tables and figures from the finished run on synthetic curves."""

import csv
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from optplan.config import resolve
from optplan.planning.curves import FAMILIES
from optplan.planning.metric import TOP_1_3_5
from optplan.reporting.families import collect, draw_families, table1
from optplan.reporting.layout import Table, escape
from optplan.reporting.measured import Results
from optplan.reporting.paper import draw_figure, make_table
from optplan.study import variant_folders, variant_paths

STRATEGIES = ["cs-l1-l2-l3-3-step-48", "cs-l1-l3-3-step-24", "us-l3-cosine-24"]
TABLES = {
    "table1": ["shapes"],
    "table3": {"P3D": "shapes", "DG-P3D": "away"},
    "table4": {"HMDB51": "shapes", "shapes": "shapes", "UCF101": "away"},
    "table5a": [
        {"method": "DG-P3D", "backbone": "small", "hmdb51_top1": ["shapes", "twin"]},
        {"method": "DG-P3D", "backbone": "none", "ucf101_top1": "away"},
    ],
    "table7": [{"method": "DG-P3D", "k400_rgb_top1": "shapes", "k400_rgb_top5": "shapes"}],
    "fig4": {"shapes": "shapes"},
    "section54": {"P3D": "shapes"},
}
RIGHT = {"planned": 280, STRATEGIES[0]: 256, STRATEGIES[1]: 252, STRATEGIES[2]: 244}  # of 400


@pytest.fixture(scope="module")
def study() -> dict:
    data = {"format": "simulated"}
    states = {"clip_lengths": [8, 16, 32], "learning_rates": [0.01, 0.001, 0.0001]}
    shapes = {"data": data, "states": states, "strategies": STRATEGIES}
    experiments = {
        "shapes": shapes,
        "twin": {**shapes, "seeds": [1, 2], "strategies": []},
        "away": {"data": {"format": "folder", "root": "data/away"}},
    }
    return resolve({"experiments": experiments, "skip_missing": True, "tables": TABLES})


@pytest.fixture(scope="module")
def root(finished, tmp_path_factory):
    """Results of the study: of "twin", two seeds of the planned path alone."""
    root = tmp_path_factory.mktemp("paper") / "results"
    run = shutil.copytree(finished.run, root / "shapes" / "seed-1")
    for name, right in RIGHT.items():
        scores = np.eye(2, dtype=np.float32)[(np.arange(400) >= right).astype(int)]
        targets = np.zeros(400, dtype=int)
        np.savez(run / "evaluation" / name / "scores.npz", scores=scores, targets=targets)
    for seed, top1 in ((1, 0.6), (2, 0.5)):
        twin = shutil.copytree(finished.run, root / "twin" / f"seed-{seed}")
        metrics = json.dumps({"top1": top1, "top5": 0.8, "videos": 400})
        (twin / "evaluation" / "planned" / "metrics.json").write_text(metrics)
    return root


@pytest.fixture
def table(root, study):
    return lambda name: make_table(name, root, study)


def row_of(table: Table, *texts: str) -> dict[str, str]:
    """The first row that begins with these texts, by column."""
    row = next(row for row in table.rows if tuple(row[: len(texts)]) == texts)
    return dict(zip(table.header, row, strict=True))


def measured(table: Table) -> list[dict]:
    return [record for record in table.records if record["source"] == "measured"]


def test_table_3_has_the_paper_beside_what_was_measured(table):
    found = table("table3")
    paper = row_of(found, "P3D", "consecutive", "published")
    assert (paper["l2→l3 3-step"], paper["OP"]) == ("75.4 (320)", "76.8 (184)")
    ours = row_of(found, "P3D", "consecutive", "measured")
    assert (ours["l1→l2→l3 3-step"], ours["l1→l3 3-step"]) == ("64.0 (48)", "63.0 (24)")
    assert ours["l2→l3 3-step"] == ""
    assert re.fullmatch(r"70\.0 \(\d+\)", ours["OP"])
    assert row_of(found, "P3D", "uniform", "measured")["l3 cosine"] == "61.0 (24)"
    assert "Empty: DG-P3D; away waits for data/away." in found.notes


def test_a_lead_comes_with_a_paired_test(table):
    (note,) = (note for note in table("table3").notes if "against" in note)
    assert "cs-l1-l2-l3-3-step-48, the best of the grid: +6.0 points (95 % interval" in note
    assert "McNemar, p < 0.001, 400 videos" in note


def test_table_4_has_both_costs_of_the_grid(table):
    found = table("table4")
    column = "shapes"
    alone = row_of(found, "Hand-tuned", "time (h)", "measured")[column]
    spent = row_of(found, "Hand-tuned", "time, beginnings shared (h)", "measured")[column]
    assert (alone, spent) == ("1.11", "1.06")  # 96 and 92 epochs of 41.5 s
    assert row_of(found, "Hand-tuned", "time (h)", "published")["HMDB51"] == "83"
    assert row_of(found, "Planning", "top-1 (%)", "measured")["HMDB51"] == "70.0"
    assert row_of(found, "Planning", "top-1 (%)", "measured")["UCF101"] == ""


def test_each_time_of_table_4_has_its_own_seconds_and_devices(root, study, finished, tmp_path):
    root = shutil.copytree(root, tmp_path / "results")
    for file in (root / "shapes" / "seed-1" / "strategies").glob("*/cost.json"):
        file.write_text(file.read_text().replace("cpu", "gpu"))
    found = make_table("table4", root, study)
    records = {r["row"]: r for r in measured(found) if r["column"] == "shapes"}
    alone = records["Hand-tuned, time (h)"]
    shared = records["Hand-tuned, time, beginnings shared (h)"]
    planned = records["Planning, time (h)"]
    assert (alone["seconds"], shared["seconds"]) == pytest.approx((96 * 41.5, 92 * 41.5))
    assert [r["device"] for r in (alone, shared, planned)] == ["gpu", "gpu", "cpu"]
    for record in (alone, shared, planned):
        assert record["mean"] == pytest.approx(record["seconds"] / 3600)


def test_table_3_says_who_chose_the_sampling_of_its_planned_path(table):
    assert "sampling is the planner's own choice of both" in table("table3").notes[0]


def test_a_cell_of_several_splits_is_their_mean(table):
    found = table("table5a")
    assert row_of(found, "DG-P3D", "small", "measured")["HMDB51 top-1"] == "65.0"
    (record,) = measured(found)
    assert record["mean"] == pytest.approx((0.7 + 0.6) / 2)
    assert record["experiment"] == "shapes+twin"
    assert "Empty: DG-P3D, none, UCF101 top-1; away waits for data/away." in found.notes


def test_seeds_are_told_by_mean_and_deviation(root, study):
    cell = Results(root, study).planned(["twin"])
    assert cell.percent() == "55.0 ± 7.1"
    assert cell.record("row", "column", "c")["seeds"] == 2


def test_a_path_has_the_epochs_that_it_was_trained_again_for(root, study, tmp_path):
    root = shutil.copytree(root, tmp_path / "results")
    before = Results(root, study).planned(["shapes"]).epochs
    file = root / "shapes" / "seed-1" / "strategies" / "planned" / "1" / "cost.json"
    cost = json.loads(file.read_text())
    file.write_text(json.dumps(cost | {"epochs": cost["epochs"] + 5}))  # on to the loss
    assert Results(root, study).planned(["shapes"]).epochs == before + 5


def test_a_fusion_costs_the_first_seeds_of_both_its_paths(root, study, tmp_path):
    root = shutil.copytree(root, tmp_path / "results")
    (root / "fusion").mkdir()
    (root / "fusion" / "both.json").write_text('{"top1": 0.75, "top5": 1.0, "videos": 400}')
    results = Results(root, {**study, "fusions": {"both": ["twin", "shapes"]}})
    one = results.planned(["shapes"])  # whose files those of each seed of "twin" are
    fused = results.planned(["both"])
    assert (fused.values, fused.epochs) == ((0.75,), 2 * one.epochs)
    assert fused.seconds == pytest.approx(2 * one.seconds)


def train_variants(run, own) -> list[str]:
    """Write what every variant leaves behind, one epoch each stage; their names."""
    found = variant_paths(own, run / "plan.yaml")
    cost = json.loads((run / "strategies" / "planned" / "1" / "cost.json").read_text())
    for name, path in found.items():
        plan = {"path": [{"state": state.name, "epochs": 1} for state in path]}
        folders = variant_folders(str(run), own, run / "plan.yaml", name)
        folders = [Path(folder) for folder in folders if "/variants/" in folder]
        folders += [run / "strategies" / name / str(n + 1) for n in range(len(path))]
        for folder in folders:
            folder.mkdir(parents=True)
            (folder / "cost.json").write_text(json.dumps(cost | {"epochs": 1, "seconds": 7.0}))
        (run / "variants" / name).mkdir(parents=True, exist_ok=True)
        (run / "variants" / name / "plan.yaml").write_text(yaml.safe_dump(plan))
        shutil.copytree(run / "evaluation" / "planned", run / "evaluation" / name)
    return list(found)


def with_variants(study, name: str) -> dict:
    return study | {"experiments": {name: study["experiments"][name] | {"variants": True}}}


def test_stages_of_an_earlier_longer_variant_cost_nothing(root, study, tmp_path):
    run = shutil.copytree(root / "shapes", tmp_path / "shapes") / "seed-1"
    study = with_variants(study, "shapes")
    name, *_ = train_variants(run, study["experiments"]["shapes"])
    before = Results(tmp_path, study).variant("shapes", name)
    number = str(len(list((run / "strategies" / name).iterdir())) + 1)
    for place in ("variants", "strategies"):
        shutil.copytree(run / "strategies" / name / "1", run / place / name / number)
    assert Results(tmp_path, study).variant("shapes", name) == before


def test_section_54_says_that_variants_are_of_the_first_seed(root, study, tmp_path):
    twin = shutil.copytree(root / "twin", tmp_path / "twin")
    for run in twin.iterdir():
        scores = root / "shapes" / "seed-1" / "evaluation" / "planned" / "scores.npz"
        shutil.copy(scores, run / "evaluation" / "planned")
    study = with_variants(study, "twin")
    train_variants(twin / "seed-1", study["experiments"]["twin"])
    places = {"tables": {"section54": {"P3D": "twin"}}}
    several = make_table("section54", tmp_path, study | places)
    study["experiments"]["twin"]["seeds"] = [1]
    one = make_table("section54", tmp_path, study | places)
    assert row_of(several, "P3D", "planned path")["Top-1 (%)"] == "55.0 ± 7.1"
    assert "Variants are those of the first seed alone" in "".join(several.notes)
    assert "first seed" not in "".join(one.notes)


def test_top_1_and_top_5_share_a_column_of_table_7(table):
    found = table("table7")
    assert row_of(found, "I3D", "BN-Inception", "published")["K400 RGB top-1/5"] == "72.1/90.3"
    assert row_of(found, "DG-P3D", "", "measured")["K400 RGB top-1/5"] == "70.0/90.0"


def test_table_1_fits_every_family_to_every_curve(root, study, table):
    curves = collect(Results(root, study), ["shapes", "away"])
    found = table("table1")
    assert [row[0] for row in found.rows] == list(FAMILIES)
    assert {row[-1] for row in found.rows} == {str(len(curves))}
    errors = {r["row"]: r["mean"] for r in measured(found) if r["column"] == "RMSE"}
    assert 0.003 < errors["exponential"] < 0.01  # the noise is 0.006


def test_table_1_and_fig_2_name_another_metric_than_top_1(root, study, tmp_path):
    results = Results(root, study)
    curves = collect(results, ["shapes"])
    both = [curves[0], replace(curves[1], metric=TOP_1_3_5), *curves[2:4]]
    notes = [table1(results, ["shapes"], found, "").notes for found in (curves[:4], both)]
    assert notes[1] == [*notes[0], "Scores are mean top-1/3/5 or top-1."]
    draw_families(curves[:4], tmp_path / "top-1")
    draw_families(both, tmp_path / "both")
    assert (tmp_path / "top-1.png").read_bytes() != (tmp_path / "both.png").read_bytes()


def test_section_54_shows_the_path_beside_the_best_hand_tuned_strategy(table):
    found = table("section54")
    assert row_of(found, "P3D", "planned path")["Top-1 (%)"] == "70.0"
    assert row_of(found, "P3D", "hand-tuned cs-l1-l2-l3-3-step-48")["Top-1 (%)"] == "64.0"


@pytest.mark.parametrize("name", ["table1", "table3", "table4", "table5a", "table7", "section54"])
def test_a_table_has_the_same_bytes_again_and_says_what_is_measured(root, study, name, tmp_path):
    for folder in ("first", "second"):
        make_table(name, root, study).write(tmp_path / folder)
    for suffix in ("csv", "md", "tex"):
        first, second = (tmp_path / folder / f"{name}.{suffix}" for folder in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()
    with (tmp_path / "first" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert {row["source"] for row in rows} <= {"measured", "published"}
    assert all(row["commit"] for row in rows if row["source"] == "measured")
    assert not any(row["experiment"] for row in rows if row["source"] == "published")


def test_table_8_counts_the_papers_networks(root, study):
    found = make_table("table8", root, study)
    assert row_of(found, "one clip", "published")["P3D"] == "196"
    assert row_of(found, "one clip", "measured")["P3D"] == "197.0"


@pytest.mark.parametrize("name", ["fig1", "fig2", "fig4", "fig5-published"])
def test_a_figure_is_drawn_the_same_again(root, study, name, tmp_path):
    for folder in ("first", "second"):
        draw_figure(name, root, study, tmp_path / folder / name)
    for suffix, magic in ((".pdf", b"%PDF"), (".png", b"\x89PNG")):
        first = (tmp_path / "first" / f"{name}{suffix}").read_bytes()
        assert first.startswith(magic)
        assert first == (tmp_path / "second" / f"{name}{suffix}").read_bytes()


def test_latex_has_no_bare_special_character():
    assert escape("5 % of a_b ± 1 → p < 0.1 & R²") == (
        r"5 \% of a\_b $\pm$ 1 $\rightarrow$ p $<$ 0.1 \& R$^2$"
    )
    assert escape(r"e - a (1 + t)^-b, {~\#$}") == (
        r"e - a (1 + t)\textasciicircum{}-b, \{\textasciitilde{}\textbackslash{}\#\$\}"
    )

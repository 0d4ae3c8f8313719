import csv
import shutil
from itertools import product
from pathlib import Path

import pandas as pd
import pytest
import yaml

from optplan.config import given_plan, resolve
from optplan.reporting.tables import (
    FUSION,
    GRID,
    PLANNED,
    REPLAYED,
    SHARED,
    comparison,
    comparison_rows,
    fusion_note,
    fusion_row,
    planner_note,
    write_csv,
    write_markdown,
)

CS, SHORT, US = STRATEGIES = "cs-l1-l2-l3-3-step-48", "cs-l1-l3-3-step-24", "us-l3-cosine-24"


def rows(run, strategies=STRATEGIES, given_plan=None):
    return comparison_rows(
        run, experiment="shapes", seed=1, strategies=strategies, given_plan=given_plan
    )


def retrained(finished) -> int:
    """Epochs of the planned path alone."""
    return sum(step["epochs"] for step in finished.plan["path"])


@pytest.fixture
def table(finished):
    return rows(finished.run)


@pytest.fixture
def by_strategy(table):
    return table.set_index("strategy")


def test_the_rows_are_the_hand_tuned_strategies_then_the_best_then_the_plan(table):
    assert table["strategy"].tolist() == [CS, SHORT, US, GRID, SHARED, PLANNED]


def test_the_best_hand_tuned_strategy_costs_the_whole_grid(by_strategy):
    assert by_strategy.loc[GRID, "top1"] == by_strategy.loc[CS, "top1"] == 0.64
    assert by_strategy.loc[GRID, "sampling"] == "cs"
    for cost in ("epochs", "frames", "seconds"):
        alone = by_strategy.loc[list(STRATEGIES), cost].sum()
        assert by_strategy.loc[GRID, cost] == pytest.approx(alone)
    assert by_strategy.loc[GRID, "epochs"] == 48 + 24 + 24


def test_what_strategies_have_in_common_was_spent_once(by_strategy):
    # Both consecutive ones train l1 at r1, for 6 and 4 epochs.
    assert by_strategy.loc[SHARED, "epochs"] == 48 + 24 + 24 - 4
    assert by_strategy.loc[SHARED, "frames"] == 92 * (96_000 + 24_000)
    assert by_strategy.loc[SHORT, "seconds"] == pytest.approx(24 * 41.5)


def test_the_planned_path_costs_every_trained_transition_and_its_retraining(finished, by_strategy):
    candidates = [c for record in finished.records.values() for c in record["candidates"]]
    epochs = sum(c["trained_epochs"] for c in candidates) + retrained(finished)
    assert by_strategy.loc[PLANNED, "epochs"] == epochs
    assert by_strategy.loc[PLANNED, "frames"] == epochs * (96_000 + 24_000)


def test_the_standard_error_is_binomial(by_strategy):
    assert by_strategy.loc[CS, "standard_error"] == pytest.approx((0.64 * 0.36 / 400) ** 0.5)


def test_a_strategy_that_was_not_trained_is_named(finished, tmp_path):
    run = shutil.copytree(finished.run, tmp_path / "run")
    shutil.rmtree(run / "strategies" / "us-l3-cosine-24")
    with pytest.raises(ValueError, match=r"us-l3-cosine-24/cost\.json: has its training finished"):
        rows(run)


def test_without_hand_tuned_strategies_the_plan_stands_alone(finished):
    assert rows(finished.run, strategies=[])["strategy"].tolist() == [PLANNED]


def test_a_transition_that_the_records_do_not_count_costs_nothing(finished, tmp_path, by_strategy):
    run = shutil.copytree(finished.run, tmp_path / "run")
    other = next((run / "transitions").iterdir())
    shutil.copytree(other, run / "transitions" / "start--cs-l3-r3")
    again = rows(run).set_index("strategy")
    assert again.loc[PLANNED, "epochs"] == by_strategy.loc[PLANNED, "epochs"]


def test_stages_of_an_earlier_longer_plan_cost_nothing(finished, tmp_path, by_strategy):
    run = shutil.copytree(finished.run, tmp_path / "run")
    planned = run / "strategies" / "planned"
    shutil.copytree(planned / "1", planned / str(len(finished.plan["path"]) + 1))
    again = rows(run).set_index("strategy")
    assert again.loc[PLANNED, "epochs"] == by_strategy.loc[PLANNED, "epochs"]


def test_a_replayed_path_costs_only_its_training(finished, tmp_path):
    run = shutil.copytree(finished.run, tmp_path / "run")
    shutil.rmtree(run / "transitions")
    (run / "plan.yaml").rename(tmp_path / "given.yaml")
    table = rows(run, given_plan=str(tmp_path / "given.yaml")).set_index("strategy")
    assert table.loc[REPLAYED, "epochs"] == retrained(finished)
    note = planner_note(finished.plan, given_plan="given.yaml")
    assert note.startswith("The path of given.yaml was replayed without planning: cs-l")


@pytest.mark.parametrize(
    ("expected", "sentence"),
    [
        (None, "The planner chose consecutive sampling. "),
        ("cs", "The planner chose consecutive sampling, as it should. "),
        ("us", "The planner chose consecutive sampling; uniform was expected. "),
    ],
)
def test_the_note_says_whether_the_sampling_was_the_expected_one(finished, expected, sentence):
    assert planner_note(finished.plan, expected_sampling=expected).startswith(sentence)


def test_the_note_tells_the_path_and_the_expected_accuracy():
    plan = {
        "sampling": "us",
        "expected": {"top1": 0.5049, "standard_error": 0.031, "videos": 210},
        "path": [{"state": "us-l1-r1", "epochs": 12}, {"state": "us-l1-r2", "epochs": 1}],
    }
    assert planner_note(plan).endswith(
        "Its path is us-l1-r1 (12 epochs), us-l1-r2 (1 epoch); "
        "the expected top-1 is 50.5 ± 3.1 % on 210 validation videos."
    )


def test_the_note_names_another_metric_than_top_1():
    name, error = "mean_of_top1_top3_top5", "standard_error_at_most"
    plan = {"sampling": "us", "expected": {name: 0.7, error: 0.01, "videos": 210}, "path": []}
    assert planner_note(plan).endswith(
        "the expected mean top-1/3/5 is 70.0 ± at most 1.0 % on 210 validation videos."
    )


def test_the_note_names_the_stages_that_max_epochs_cut_short(finished):
    assert "max_epochs" not in planner_note(finished.plan)
    first, *rest = finished.plan["path"]
    cut = finished.plan | {"path": [first | {"stopped": "max_epochs"}, *rest]}
    assert planner_note(cut).endswith(
        f" At {first['state']} knee.max_epochs came before a sure knee: "
        "with more epochs the path may get better."
    )


def test_the_csv_gives_back_every_digit(table, tmp_path):
    write_csv(table, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["strategy"] for row in rows] == table["strategy"].tolist()
    for column in ("top1", "standard_error", "frames", "seconds"):
        assert [float(row[column]) for row in rows] == table[column].tolist()


def test_the_markdown_is_for_people(table, tmp_path):
    other = table.assign(experiment="order")
    path = tmp_path / "table.md"
    write_markdown(pd.concat([table, other]), path, {"order": "A note about order."})
    text = path.read_text(encoding="utf-8")
    assert text.index("## shapes") < text.index("## order") < text.index("A note about order.")
    assert text.count("| Strategy") == 2
    row = next(line for line in text.splitlines() if line.startswith(f"| {CS}"))
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells == [CS, "consecutive", "64.0 ± 2.4", "48", "5.76", "33.2"]
    assert "on 400 test videos" in text


def test_several_seeds_of_an_experiment_share_a_table_that_names_them(table, tmp_path):
    path = tmp_path / "table.md"
    write_markdown(pd.concat([table, table.assign(seed=2)]), path, {})
    text = path.read_text(encoding="utf-8")
    assert text.count("| Seed") == 1
    assert "Seeds 1, 2, on cpu." in text


@pytest.fixture
def seeds(finished, tmp_path, monkeypatch):
    """Of a study whose second seed plans a uniform path, what the comparison is made from."""
    monkeypatch.chdir(tmp_path)
    plans = {"plain": {}, "follows": {"plan_of": "plain"}}
    common = {"data": {"format": "simulated"}, "expected_sampling": "cs", "seeds": 2}
    study = resolve({"study": "s", "defaults": common, "experiments": plans})
    for name, seed in product(plans, (1, 2)):
        run = shutil.copytree(finished.run, Path("results", "s", name, f"seed-{seed}"))
        sampling = "cs" if seed == 1 else "us"
        (run / "plan.yaml").write_text(yaml.safe_dump(finished.plan | {"sampling": sampling}))
    shutil.rmtree("results/s/follows/seed-1/transitions")
    for seed in (1, 2):
        Path(f"results/s/follows/seed-{seed}/plan.yaml").unlink()
    return {
        name: {
            "plans": {seed: given_plan(study, name, seed) for seed in own["seeds"]},
            "strategies": own["strategies"],
            "expected_sampling": own["expected_sampling"],
        }
        for name, own in study["experiments"].items()
    }


def test_every_seed_follows_the_plan_of_its_own_seed(seeds, finished):
    table, notes = comparison(Path("results/s"), seeds)
    replayed = table[table["strategy"] == REPLAYED].set_index("seed")
    assert replayed["experiment"].tolist() == ["follows", "follows"]
    assert replayed["sampling"].to_dict() == {1: "cs", 2: "us"}
    assert replayed["epochs"].tolist() == [retrained(finished)] * 2
    first, second = notes["follows"].splitlines()
    assert "Seed 1: The path of results/s/plain/seed-1/plan.yaml was replayed" in first
    assert "Seed 2: The path of results/s/plain/seed-2/plan.yaml was replayed" in second


def test_the_note_tells_what_was_chosen_with_every_seed(seeds):
    _, notes = comparison(Path("results/s"), seeds)
    first, second = notes["plain"].splitlines()
    assert first.startswith("- Seed 1: The planner chose consecutive sampling, as it should.")
    assert second.startswith("- Seed 2: The planner chose uniform sampling; consecutive was exp")


def test_what_is_the_same_with_every_seed_is_told_once(seeds):
    file = "results/s/plain/seed-1/plan.yaml"
    _, notes = comparison(
        Path("results/s"), {"plain": seeds["plain"] | {"plans": {1: file, 2: file}}}
    )
    assert notes["plain"].count(f"The path of {file} was replayed") == 1
    assert "Seed" not in notes["plain"]


@pytest.fixture
def two(table, tmp_path):
    """The comparison of two experiments, and the metrics of their fusion."""
    metrics = tmp_path / "both.json"
    metrics.write_text('{"top1": 0.75, "top5": 1.0, "videos": 400}')
    other = table.assign(experiment="flow", sampling="us", device="gpu")
    return pd.concat([table, other], ignore_index=True), metrics


def test_a_fusion_costs_what_both_planned_paths_cost(two):
    table, metrics = two
    row = fusion_row(table, metrics, name="both", members=["flow", "shapes"]).iloc[0]
    planned = table[table["strategy"] == PLANNED]
    for cost in ("epochs", "frames", "seconds"):
        assert row[cost] == planned[cost].sum()
    assert (row["strategy"], row["top1"], row["videos"]) == (FUSION, 0.75, 400)
    assert (row["sampling"], row["device"], row["seed"]) == ("both", "cpu, gpu", 1)


def test_a_fusion_has_a_block_of_its_own_with_what_each_is_alone(two, tmp_path):
    table, metrics = two
    row = fusion_row(table, metrics, name="both", members=["shapes", "flow"])
    note = fusion_note(table, ["shapes", "flow"])
    write_markdown(pd.concat([table, row]), tmp_path / "table.md", {"both": note})
    block = (tmp_path / "table.md").read_text(encoding="utf-8").split("## both")[1]
    assert f"| {FUSION} | both" in block
    assert "75.0 ± 2.2" in block
    top1 = f"{100 * table[table['strategy'] == PLANNED]['top1'].iloc[0]:.1f}"
    assert f"shapes ({top1} ± " in block
    assert "The grid costs" not in block

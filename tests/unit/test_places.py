from pathlib import Path

import pytest
import yaml

from optplan.config import resolve
from optplan.paper import PAPER, paper_files, wanted
from optplan.places import needed, waiting
from optplan.reporting.estimate import forecast

CONFIG = Path(__file__).parents[2] / "config"
SIMULATED = {"format": "simulated"}


def study(**own) -> dict:
    experiments = {
        "here": {"data": SIMULATED},
        "away": {"data": {"format": "folder", "root": "data/away"}},
        "after": {"data": SIMULATED, "weights_of": "away"},
        "path": {"data": SIMULATED, "plan_of": "here"},
    }
    return resolve({"experiments": experiments, "skip_missing": True, **own})


@pytest.fixture
def paper(tmp_path, monkeypatch) -> dict:
    monkeypatch.chdir(tmp_path)
    return resolve(yaml.safe_load((CONFIG / "paper.yaml").read_text()))


def test_an_experiment_waits_for_its_folder_and_for_those_it_builds_on():
    assert waiting(study()) == {"away": "data/away", "after": "data/away"}
    assert needed(study(), ["after", "path"]) == ["after", "path", "away", "here"]


def test_without_skip_missing_a_missing_folder_is_an_error():
    with pytest.raises(ValueError, match=r"experiments\.away\.data\.root: 'data/away' is not"):
        study(skip_missing=False)


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"table3": {"P3D": "her"}}, r"tables\.table3: there is no experiment 'her'"),
        ({"table7": [{"method": "x", "top1": "her"}]}, r"tables\.table7: there is no"),
        ({"fig4": {"one": "path"}}, r"tables\.fig4: 'path' replays a plan"),
    ],
)
def test_a_place_that_names_what_cannot_fill_it_is_refused(tables, message):
    with pytest.raises(ValueError, match=message):
        study(tables=tables)


def test_the_papers_study_fills_every_table_and_figure(paper):
    assert set(wanted(paper)) == set(PAPER)
    tables = paper["tables"]
    assert len(tables["table1"]) == 18
    assert set(tables["table3"]) == {"P3D", "G-P3D", "DG-P3D"}
    assert len(tables["table4"]) == 6
    for name, settings in paper["experiments"].items():
        if name in (*tables["table3"].values(), *tables["table4"].values()):
            assert len(settings["strategies"]) == (20 if name.startswith("ss-") else 60)


def test_without_a_data_set_the_published_parts_are_left(paper):
    assert len(waiting(paper)) == len(paper["experiments"])
    stems = {Path(file).stem for target in PAPER for file in paper_files(paper, target)}
    assert {"table3", "table5a", "table5b", "table8", "fig1", "fig4-published"} <= stems
    assert not stems & {"fig2", "fig4", "fig5"}


def test_the_cost_of_a_table_is_told_before_there_is_a_video(paper):
    text = forecast(paper, ["-n", "table3"])
    lines = [line for line in text.splitlines() if line.startswith("kinetics-400")]
    assert [line.split()[0] for line in lines] == [
        "kinetics-400-p3d",
        "kinetics-400-g-p3d",
        "kinetics-400",
    ]
    assert all(line.endswith("data/kinetics400/lists") for line in lines)
    assert "of 8 GPUs with the paper's network" in text


def test_the_embedded_study_fills_every_table_from_at_least_54_curves():
    tables = resolve(yaml.safe_load((CONFIG / "tables.yaml").read_text()))
    assert set(wanted(tables)) == set(PAPER)
    assert waiting(tables) == {}
    sets = {tables["experiments"][name]["data"]["name"] for name in tables["tables"]["table1"]}
    networks = {tables["experiments"][n]["network"]["name"] for n in tables["tables"]["table1"]}
    assert len(sets) * len(networks) * 9 >= 54

"""The paper's study without a single video."""

import pytest
from running import Workflow


@pytest.fixture
def study(tmp_path) -> Workflow:
    return Workflow(tmp_path, study="../../config/paper.yaml")


def test_a_dry_run_tells_jobs_and_cost_from_the_lists_alone(study):
    (study.folder / "data" / "hmdb51" / "lists").mkdir(parents=True)
    output = study.check("--dry-run", "table4")
    (line,) = (line for line in output.splitlines() if line.startswith("hmdb51-1 "))
    assert line.split()[1:5] == ["3570", "1", "1260", "13828"]  # videos, seeds, epochs
    assert "train_shared_stage      242" in output
    assert "evaluate                 61" in output
    # The other sets wait, by name.
    assert "kinetics-400  " in output
    assert "data/kinetics400/lists" in output


def test_a_profile_may_ask_for_the_dry_run_and_an_option_with_an_n_does_not(study):
    (study.folder / "data" / "hmdb51" / "lists").mkdir(parents=True)
    profile = study.folder / "profile" / "config.yaml"
    profile.parent.mkdir()
    profile.write_text("dry-run: true\n")
    assert "train_shared_stage      242" in study.check("table4", "--profile", profile.parent)
    assert "train_shared_stage" not in study.check("-Rplan", "table4")  # the videos are waited for


def test_without_any_data_the_published_numbers_are_left(study):
    study.check("table6", "fig4")
    table = study.results("paper/tables/table6.md")["paper/tables/table6.md"].decode()
    rows = [[cell.strip() for cell in line.split("|")[1:]] for line in table.splitlines()]
    assert ["DG-P3D", "ResNet-50", "ImageNet", "published", "51.8/81.2"] in [r[:5] for r in rows]
    assert ["DG-P3D", "ResNet-50", "ImageNet", "measured", ""] in [r[:5] for r in rows]
    empty = "Empty: DG-P3D, ResNet-50, ImageNet, SS-V1 top-1; ss-v1 waits for"
    assert f"{empty} data/something-v1/lists." in table
    assert "paper/figures/fig4-published.pdf" in study.results("paper/figures/*")

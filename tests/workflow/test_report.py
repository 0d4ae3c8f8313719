"""The HTML report opens in a browser that has no network, and shows what was found."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from running import Workflow

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Clicks on a category, then on the eye beside a result, as a person would.
CLICK = """
<script>
const leaves = () => [...document.querySelectorAll("a, li, span, div")].filter(
  (one) => one.childElementCount === 0 && one.textContent.trim() === "Tables");
setTimeout(() => leaves().pop().click(), 1500);
setTimeout(() => { document.title = [...document.querySelectorAll("tr")]
  .map((row) => row.textContent.trim()).filter((text) => text).join("|"); }, 3500);
</script>
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Workflow:
    """One sampling of a simulated task with a place in Table 3 and in Fig. 4."""
    changes = {
        "experiments.task.variants": False,
        "experiments.task.strategies": ["cs-l1-l2-2-step-8"],
        "experiments.task.states": {
            "sampling": ["cs"],
            "clip_lengths": [16, 32],
            "learning_rates": [0.01, 0.001],
        },
        "tables": {"table3": {"P3D": "task"}, "fig4": {"task": "task"}},
    }
    workflow = Workflow(tmp_path_factory.mktemp("report"), changes, study="simulated.yaml")
    workflow.check()
    return workflow


@pytest.fixture(scope="module")
def report(study) -> Path:
    path = study.folder / "report.html"
    study.check("--report", path)
    return path


def test_the_study_leaves_tables_figures_reasons_and_provenance(study):
    files = study.results("simulated/**/*")
    for file in ("tables/table3.tex", "tables/table8.md", "figures/fig1.pdf", "figures/fig4.png"):
        assert f"simulated/{file}" in files
    assert b"Why cs-l2-r2?" in files["simulated/plans/task.html"]
    found = json.loads(files["simulated/provenance.json"])
    assert found["experiments"]["task"]["devices"] == ["simulated"]
    assert found["configuration"]["tables"]["table3"] == {"P3D": "task"}
    assert found["versions"]["python"]


def test_a_table_made_again_has_the_same_bytes(study):
    before = study.results("simulated/tables/table3.*")
    study.check("results/simulated/tables/table3.md", "--force")
    assert study.results("simulated/tables/table3.*") == before


def test_the_report_opens_without_a_network(report):
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        pytest.skip("needs Chromium or Chrome")
    front, end, back = report.read_text(encoding="utf-8").rpartition("</body>")
    page = report.with_name("clicked.html")
    page.write_text(front + CLICK + end + back, encoding="utf-8")
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--virtual-time-budget=6000")
    offline = "--host-resolver-rules=MAP * ~NOTFOUND"
    command = [browser, *options, offline, "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    title = done.stdout.partition("<title>")[2].partition("</title>")[0]
    assert {"table3", "table8", "planning against hand-tuning"} <= set(title.split("|"))

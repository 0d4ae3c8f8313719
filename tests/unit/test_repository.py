"""What the repository says about itself is so: environments, commands, links."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import optplan

ROOT = Path(__file__).parents[2]
RULES = sorted(ROOT.glob("rules/*.smk"))
PAGES = [
    *ROOT.glob("*.md"),
    *ROOT.glob("docs/*.md"),
    *(ROOT / folder / "README.md" for folder in ("config", "results", "benchmarks")),
]


def versions(file: str) -> dict[str, str]:
    text = (ROOT / "envs" / file).read_text().lower()
    return dict(re.findall(r"^([\w.-]+)==(\S+)", text, re.MULTILINE))


@pytest.mark.parametrize("rules", RULES, ids=lambda path: path.stem)
def test_the_environment_and_the_script_of_every_rule_exist(rules):
    text = rules.read_text()
    for path in re.findall(r'(?:conda|script):\s+"([^"]+)"', text):
        assert (rules.parent / path).is_file(), path
    scripted = re.findall(r"\n {4}script:", text)
    assert len(scripted) == len(re.findall(r"\n {4}conda:", text))


def test_only_what_trains_or_reads_videos_is_sent_to_a_cluster():
    snakefile = (ROOT / "Snakefile").read_text()
    (local,) = re.findall(r"^localrules:\n((?:    \w+,\n)+)", snakefile, re.MULTILINE)
    text = "".join(path.read_text() for path in RULES)
    rules = set(re.findall(r"^(?:rule|checkpoint) (\w+):", text, re.MULTILINE))
    sent = rules - set(re.findall(r"\w+", local))
    assert {name for name in sent if not name.startswith("train_")} == {
        *("render_videos", "index_videos", "audit_videos", "split_videos", "prepare_videos"),
        *("extract_flow", "decode_videos", "initialise", "evaluate"),
    }


def test_conda_installs_what_the_makefile_installs():
    environment = yaml.safe_load((ROOT / "envs" / "runtime.yaml").read_text())
    (pip,) = (entry["pip"] for entry in environment["dependencies"] if isinstance(entry, dict))
    text = (ROOT / "envs" / "requirements.txt").read_text()
    runtime = re.findall(r"^\S+==\S+", text.split("# Development")[0], re.MULTILINE)
    assert pip == runtime


def test_every_direct_dependency_is_locked():
    assert versions("requirements.txt").items() <= versions("constraints.txt").items()


def test_the_version_is_that_of_the_package_everywhere():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == optplan.__version__
    changes = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert changes[0] == optplan.__version__


def test_every_dependency_is_pinned():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    names = {re.split(r"[><=]", dependency)[0] for dependency in project["dependencies"]}
    assert names <= versions("requirements.txt").keys()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def test_every_make_target_of_the_readme_exists():
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"^make (\w+)", (ROOT / "README.md").read_text(), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize(
    "unsafe",
    [
        r"yaml\.(load|unsafe_load|full_load)\(",
        r"shell=True",
        r"os\.(system|popen)\(",
        r"pickle\.loads?\(",
        r"torch\.load\((?![^\n]*weights_only=True)",
        r"(?<![.\w])(eval|exec)\(",
        r"allow_pickle=True",
        r"^ {4}shell:",
    ],
)
def test_no_file_or_name_can_become_code(unsafe):
    for pattern in ("src/**/*.py", "workflow/**/*.py", "rules/*.smk", "examples/*.py"):
        for path in ROOT.glob(pattern):
            assert not re.search(unsafe, path.read_text(), re.MULTILINE), path

"""The guides for users: the table of keys follows the schema, and the examples are valid.

To bring the table up to date, replace it in config/README.md by what this prints:

    .venv/bin/python tests/unit/test_config_readme.py
"""

import json
import re
from pathlib import Path

import pytest
import yaml

from optplan.config import SCHEMA, resolve

ROOT = Path(__file__).parents[2]


def schema_table() -> str:
    """Every key of config/schema.yaml with its default and description, as a Markdown table."""
    schema = yaml.safe_load(SCHEMA.read_text())
    keys = [*_leaves(schema, ""), *_leaves(schema["$defs"]["experiment"], "")]
    rows = [f"| `{key}` | {_default(leaf)} | {_meaning(leaf)} |" for key, leaf in keys]
    return "\n".join(["| Key | Default | Meaning |", "|---|---|---|", *rows])


def _leaves(schema: dict, prefix: str):
    for name, entry in schema["properties"].items():
        if "properties" in entry:
            yield from _leaves(entry, f"{prefix}{name}.")
        else:
            yield prefix + name, entry


def _default(leaf: dict) -> str:
    return f"`{json.dumps(leaf['default'])}`" if "default" in leaf else "-"


def _meaning(leaf: dict) -> str:
    choices = leaf.get("enum") or leaf.get("items", {}).get("enum")
    if not choices:
        return leaf["description"]
    names = ", ".join(f"`{'null' if choice is None else choice}`" for choice in choices)
    return f"{leaf['description']} Of {names}."


def _examples(guide: str) -> list[str]:
    return re.findall(r"```yaml\n(.*?)```", (ROOT / guide).read_text(encoding="utf-8"), re.DOTALL)


def test_the_guide_lists_every_key_as_the_schema_has_it():
    assert schema_table() in (ROOT / "config" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "guide",
    [
        *("README.md", "config/README.md"),
        *("docs/flow.md", "docs/own-videos.md", "docs/reproducing.md"),
    ],
)
def test_the_examples_of_the_guides_are_valid_configurations(guide, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples = _examples(guide)
    assert examples
    for example in examples:
        config = yaml.safe_load(example.replace("/path/to/videos", str(tmp_path)))
        for experiment in config["experiments"].values():
            if "plan" in experiment:
                plan = Path(experiment["plan"])
                plan.parent.mkdir(parents=True)
                plan.write_text("path: [{state: cs-l3-r3, epochs: 1}]")
        resolved = resolve(config)
        assert resolved["experiments"].keys() == config["experiments"].keys()


if __name__ == "__main__":
    print(schema_table())

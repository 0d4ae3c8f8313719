"""The messages that docs/troubleshooting.md explains are those that the code prints."""

import errno
import os
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)


def spoken() -> str:
    """All of the code, with string literals that follow each other joined as Python joins them."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in ROOT.glob("src/**/*.py"))
    return re.sub(r'"\s+f?"', "", code) + os.strerror(errno.ENOSPC)  # said by the system


@pytest.mark.parametrize("message", MESSAGES)
def test_every_message_is_one_that_the_code_prints(message):
    wanted = ".+?".join(re.escape(part.strip()) for part in message.split("…"))
    assert re.search(wanted, spoken()), message


def test_every_message_is_explained_once():
    assert len(MESSAGES) == len(set(MESSAGES)) > 10

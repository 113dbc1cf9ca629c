"""The documentation agrees with the code; `make docs` builds it and fails on a warning."""

from __future__ import annotations

import re
import sys

import pytest

from brainseg.app.navigation import PAGES
from tests.conftest import PROJECT_ROOT

sys.path.insert(0, str(PROJECT_ROOT / "docs"))
generate = pytest.importorskip("generate", reason="the documentation's tools are not installed", exc_type=ImportError)

ARCHITECTURE = PROJECT_ROOT / "docs" / "architecture.md"
BEGIN, END = (
    "<!-- rooms: from the packages' docstrings; tests/test_docs.py says how to update it -->",
    "<!-- end of rooms -->",
)


def test_the_table_of_rooms_is_that_of_the_packages() -> None:
    """If this fails after you change a package's docstring, run `python docs/generate.py`."""
    text = ARCHITECTURE.read_text("utf-8")
    table = text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip()
    assert table == generate.rooms_table()


def test_every_command_and_setting_has_an_explanation() -> None:
    for page in (generate.commands_page(), generate.settings_page()):
        rows = [line for line in page.splitlines() if line.startswith("| `")]
        assert len(rows) > 40
        assert [row for row in rows if re.search(r"\|\s*\|$", row)] == []


def test_every_page_of_the_dashboard_is_described() -> None:
    text = (PROJECT_ROOT / "docs" / "how-to" / "dashboard.md").read_text("utf-8")
    assert [title for title in PAGES.values() if f"| **{title}** |" not in text] == []


def test_every_environment_variable_is_listed() -> None:
    used = {
        name
        for file in (PROJECT_ROOT / "brainseg").rglob("*.py")
        for name in re.findall(r"\bBRAINSEG_[A-Z_]*[A-Z]\b", file.read_text("utf-8"))
    }
    text = (PROJECT_ROOT / "docs" / "reference" / "environment.md").read_text("utf-8")
    assert sorted(name for name in used if f"`{name}`" not in text) == []


PAGES_FOR_READERS = sorted(
    file.relative_to(PROJECT_ROOT).as_posix()
    for file in (*PROJECT_ROOT.glob("*.md"), *(PROJECT_ROOT / "findings").glob("*.md"))
)


@pytest.mark.parametrize("page", PAGES_FOR_READERS)
def test_links_to_files_lead_somewhere(page: str) -> None:
    """`make docs` checks links between pages of the documentation."""
    file = PROJECT_ROOT / page
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", file.read_text("utf-8"))
    local = [target for target in targets if "://" not in target]
    assert [target for target in local if not (file.parent / target).exists()] == []


def test_examples_stand_under_a_heading_that_the_reference_knows() -> None:
    """Under "Example:", the reference would print an example as normal text."""
    files = (PROJECT_ROOT / "brainseg").rglob("*.py")
    assert [file.name for file in files if re.search(r"^ *Example:$", file.read_text("utf-8"), re.MULTILINE)] == []

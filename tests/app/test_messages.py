"""Messages written for the command line appear on pages in the words of the pages."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest

from brainseg.app.messages import end_reason, on_page
from brainseg.config import RunConfig
from brainseg.config.form_fields import form_fields
from brainseg.errors import ConfigError
from tests.conftest import PROJECT_ROOT

COMMAND = re.compile(r"(?<!\w)--[a-z]|`(?:brainseg )?(?:resume|train|predict|data|show|worker)\b|run:<id>")
OTHERS = re.compile(r"`ray start --head`|--artifacts-destination|sbatch --wrap")
"""Commands and options of other programs, for the people who run the server."""
ROOMS = ("cli", "app", "plots", "results")
"""Rooms whose sentences are only for the terminal, or already for a page."""
ARCHIVE = PROJECT_ROOT / "brainseg" / "diagnosis" / "archive"
"""Answers whole archives, which only a command does."""


def messages() -> Iterator[str]:
    """Yield the texts that errors are made of, and those of constants, which may become errors."""
    for file in sorted((PROJECT_ROOT / "brainseg").rglob("*.py")):
        if file.relative_to(PROJECT_ROOT / "brainseg").parts[0] in ROOMS or file.is_relative_to(ARCHIVE):
            continue
        tree = ast.parse(file.read_text("utf-8"))
        for node in ast.walk(tree):
            found = node.exc if isinstance(node, ast.Raise) else node.value if isinstance(node, ast.Assign) else None
            if found is not None:
                parts = (part.value for part in ast.walk(found) if isinstance(part, ast.Constant))
                yield OTHERS.sub("", "".join(part for part in parts if isinstance(part, str)))


def test_no_message_of_the_program_speaks_of_options_or_commands_on_a_page() -> None:
    written = list(messages())
    assert sum(bool(COMMAND.search(text)) for text in written) >= 5, "the search finds what it is for"
    assert [text for text in map(on_page, written) if COMMAND.search(text)] == []


def test_settings_have_their_labels() -> None:
    with pytest.raises(ConfigError) as found:
        RunConfig.from_preset("quick", {"training.batch_size": 1, "preparation.size": 41})
    translated = on_page(found.value)
    labels = {field.name: field.label for field in form_fields() if field.section}
    assert f"{labels['training.batch_size']}: 1 " in translated
    assert f"{labels['preparation.size']}: 41 " in translated
    assert not any(name in translated for name in labels)
    assert on_page("The file notes.final.png is damaged.") == "The file notes.final.png is damaged."


def test_a_stored_reason_loses_its_command() -> None:
    class Run:
        reason = "It ended by signal SIGKILL; `resume` continues it from its last epoch."

    assert end_reason(Run()) == "It ended by signal SIGKILL; Resume continues it from its last epoch."

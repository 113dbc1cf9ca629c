"""Names from people and files as Markdown that shows them literally."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:])")
_CELL_MARKUP = re.compile(r"([\\`*_\[\]<>|~$:])")


def escape(text: object) -> str:
    """Return a text as Markdown that shows it literally anywhere on a page."""
    return _MARKUP.sub(r"\\\1", _on_one_line(text))


def literal(text: object) -> str:
    """Return a text as Markdown that shows it literally within a line or a table.

    It stays readable as plain text: only characters that have a meaning inside a line are escaped.
    """
    return _CELL_MARKUP.sub(r"\\\1", _on_one_line(text))


def _on_one_line(text: object) -> str:
    return " ".join(str(text).split())

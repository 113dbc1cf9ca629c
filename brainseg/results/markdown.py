"""Names from people and files as Markdown that shows them literally, and such Markdown as plain text again."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:])")
_CELL_MARKUP = re.compile(r"([\\`*_\[\]<>|~$:])")
_ESCAPED = re.compile(r"\\([\\`*_\[\]<>|~$:])")


def escape(text: object) -> str:
    """Return a text as Markdown that shows it literally anywhere on a page."""
    return _MARKUP.sub(r"\\\1", _on_one_line(text))


def literal(text: object) -> str:
    """Return a text as Markdown that shows it literally within a line or a table.

    It stays readable as plain text: only characters that have a meaning inside a line are escaped.
    """
    return _CELL_MARKUP.sub(r"\\\1", _on_one_line(text))


def plain(text: str) -> str:
    """Return Markdown without other markup than `literal` writes as plain text.

    >>> plain(literal("no_tumour: [1]"))
    'no_tumour: [1]'
    """
    return _ESCAPED.sub(r"\1", _on_one_line(text))


def plain_items(markdown: str) -> list[str]:
    r"""Return the items of a Markdown list as plain text; an item may go over several lines.

    >>> plain_items("* one\n  and a half\n* two")
    ['one and a half', 'two']
    """
    return [plain(item) for item in re.split(r"^\* ", markdown, flags=re.MULTILINE) if item.strip()]


def _on_one_line(text: object) -> str:
    return " ".join(str(text).split())

"""File names that are safe to show."""

from __future__ import annotations

import unicodedata

_LONGEST = 80
_HEAD, _TAIL = 50, 25


def display_name(name: str) -> str:
    """Return the base name of `name`, without control characters and at most 80 characters long.

    Both kinds of slash separate folders, because an upload may come from any system. Control, bidirectional and
    unprintable characters become "_" (a newline could forge a log line, a right-to-left mark a different extension).
    A long name is shortened in the middle, so the extension stays visible.

    >>> display_name("../../etc/x.png")
    'x.png'
    """
    base = name.replace("\\", "/").rstrip("/").rsplit("/", 1)[-1]
    clean = "".join(c if _printable(c) else "_" for c in base[: 4 * _LONGEST] + base[4 * _LONGEST :][-_TAIL:]).strip()
    if clean in ("", ".", ".."):
        return "unnamed"
    return clean if len(clean) <= _LONGEST else f"{clean[:_HEAD]}…{clean[-_TAIL:]}"


def _printable(character: str) -> bool:
    # C*: control, format, surrogate, private and unassigned characters; Zl and Zp: line and paragraph separators.
    category = unicodedata.category(character)
    return category[0] != "C" and category not in ("Zl", "Zp")

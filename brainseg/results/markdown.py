"""Text from people and files as Markdown that shows it literally."""

from __future__ import annotations

import re

_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:])")


def escape(text: object) -> str:
    """Return a text as Markdown that shows it literally: names of runs and files come from people and folders."""
    return _MARKUP.sub(r"\\\1", " ".join(str(text).split()))

"""Rules for the names, notes and tags of runs."""

from __future__ import annotations

import re
from collections.abc import Iterable

from brainseg.errors import RunError
from brainseg.runs.migrations import PREFIX
from brainseg.runs.run import FULL_ID

NAME_LENGTH, NOTE_LENGTH, TAG_LENGTH = 80, 4000, 200
_TAG = re.compile(r"[\w.\-]+(?: [\w.\-]+)*")


def clean_name(name: str) -> str:
    """Return a name without spaces around it.

    Raises:
        RunError: The name is empty, too long, contains a character that cannot be shown, or looks like an id.
    """
    name = name.strip()
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise RunError(
            f"{name[:NAME_LENGTH]!r} is not a valid name for a run: use 1 to {NAME_LENGTH} visible characters."
        )
    if FULL_ID.fullmatch(name):
        raise RunError(f"{name!r} is not a valid name for a run, since it looks like an id: add a word to it.")
    return name


def clean_note(note: str) -> str:
    """Return a note without space around it.

    Raises:
        RunError: The note is too long.
    """
    note = note.strip()
    if len(note) > NOTE_LENGTH:
        raise RunError(f"The note has {len(note)} characters, but at most {NOTE_LENGTH} are allowed: make it shorter.")
    return note


def parse_tags(texts: Iterable[str]) -> dict[str, str]:
    """Read tags that are written as `word` or `word=value`.

    Raises:
        RunError: A tag is not valid; the message names what is allowed.
    """
    parts = [(text, *map(str.strip, text.partition("=")[::2])) for text in texts]
    for text, key, value in parts:
        fits = _TAG.fullmatch(key) and max(len(key), len(value)) <= TAG_LENGTH and (value + "x").isprintable()
        if not fits or key.startswith(("mlflow.", PREFIX)):
            raise RunError(
                f"{text!r} is not a valid tag: use letters, digits, spaces, dots and dashes, and optionally = and a "
                "value, such as checked or reader=first."
            )
    return {key: value for _, key, value in parts}


def tag_text(key: str, value: str) -> str:
    """Write a tag as `parse_tags` reads it."""
    return f"{key}={value}" if value else key

"""The schema of stored runs, and a table of steps that convert runs of earlier schemas when they are read.

A run is stored as tags, and the tag `brainseg.schema` holds their schema. Runs without that tag have schema 1 and were
written by brainseg 0.1.0. Nothing is rewritten in the store, so the brainseg that wrote a run can still read it.

To rename or drop a setting, or to change the meaning of a tag, raise `SCHEMA` and add a step to `STEPS`. A step must
not change what a newer brainseg has already written, since a resumed run keeps its schema.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from brainseg.errors import RunError
from brainseg.runs.run_end import EndKind

SCHEMA = 2
"""The schema that this brainseg writes."""
PREFIX = "brainseg."
"""Prefix of the names of brainseg's own tags."""

Tags = dict[str, str]
_LOG_TAIL = re.compile(r"\. (?:Its last|Last) words:\s*(.*)", re.DOTALL)
_RESUME_HINT = re.compile(r"; `resume` continues it[^.]*")
_KINDS = {
    "The run was cancelled": EndKind.CANCELLED,
    "The trainer process ended": EndKind.DIED,
    "The training and its supervisor ended": EndKind.LOST,
    "The process that supervised": EndKind.UNSUPERVISED,
    "Its supervising process ended": EndKind.UNSUPERVISED,
    "The home folder was moved": EndKind.MOVED,
    "The run was in training when": EndKind.MOVED,
    "The training broke off with": EndKind.CRASHED,
    "The model gives one class": EndKind.COLLAPSED,
}
"""Beginning of a sentence of schema 1 -> kind of end."""


@dataclass(frozen=True)
class Step:
    """The changes from one schema to the next.

    Attributes:
        settings: Dotted name of a setting -> its new dotted name; None if the setting no longer exists.
        change: A function that changes the tags in place.
    """

    settings: Mapping[str, str | None] = field(default_factory=dict)
    change: Callable[[Tags], None] | None = None


def _split_reason(tags: Tags) -> None:
    """Split the sentence on why a run ended, which in schema 1 also held the kind of end and the end of the log."""
    if tags.get(PREFIX + "end"):  # written by schema 2, when the run was resumed
        return
    reason = tags.get(PREFIX + "reason", "")
    if found := _LOG_TAIL.search(reason):
        reason = reason[: found.start()] + "."
        tags[PREFIX + "log_tail"] = found[1].strip()
    tags[PREFIX + "reason"] = _RESUME_HINT.sub("", reason)
    if kind := next((kind for beginning, kind in _KINDS.items() if reason.startswith(beginning)), None):
        tags[PREFIX + "end"] = kind.value


STEPS: dict[int, Step] = {1: Step(change=_split_reason)}
"""Schema -> the step to the next one."""


def migrated(tags: Mapping[str, str]) -> Tags:
    """Return the tags of a stored run, converted to `SCHEMA`.

    Raises:
        RunError: The run has a newer schema, or a tag is damaged. The message is the end of a sentence and does not
            name the run.
    """
    schema = stored_schema(tags)
    if schema > SCHEMA:
        raise RunError(
            f"it was made by a newer brainseg (schema {schema}; this version reads up to {SCHEMA}): upgrade "
            "brainseg to use it"
        )
    current = dict(tags)
    for step in (STEPS[number] for number in range(schema, SCHEMA)):
        if step.settings:
            _rename_settings(current, step.settings)
        if step.change:
            step.change(current)
    return current


def stored_schema(tags: Mapping[str, str]) -> int:
    """Return the schema of a stored run.

    Raises:
        RunError: The tag is damaged.
    """
    text = tags.get(PREFIX + "schema", "1")
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise RunError(f"its tag {PREFIX}schema is damaged: it holds {text[:40]!r}, not a number")
    return int(text)


def settings_of(tags: Mapping[str, str]) -> dict[str, Any]:
    """Return the settings that a run's tags hold, as `RunConfig.parse` takes them.

    Raises:
        RunError: There are none, or they are damaged.
    """
    if (text := tags.get(PREFIX + "config")) is None:
        raise RunError("it was made by another program: it has no brainseg settings")
    try:
        settings = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RunError(f"its tag {PREFIX}config is damaged: its settings are lost") from error
    if not isinstance(settings, dict):
        raise RunError(f"its tag {PREFIX}config is damaged: it holds no settings")
    return settings


def _rename_settings(tags: Tags, names: Mapping[str, str | None]) -> None:
    settings = settings_of(tags)
    for old, new in names.items():
        *sections, name = old.split(".")
        holder: Any = settings
        for section in sections:
            holder = holder.get(section) if isinstance(holder, dict) else None
        if not isinstance(holder, dict) or name not in holder:
            continue
        value = holder.pop(name)
        if new is not None:
            *sections, name = new.split(".")
            holder = settings
            for section in sections:
                holder = holder.setdefault(section, {})
            holder[name] = value
    tags[PREFIX + "config"] = json.dumps(settings)

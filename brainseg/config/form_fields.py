"""The settings of a run as the fields of a form, derived from `RunConfig`."""

from __future__ import annotations

import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from brainseg.config import TASKS, RunConfig
from brainseg.config.messages import allowed_values, field_at

WORDS = {"lr": "learning rate", "valid": "validation", "clip": "clipping"}
"""Abbreviations in field names -> the words for a label."""
LABELS = {"preparation.size": "Image size"}
"""Labels of settings whose name is unclear outside its section."""


@dataclass(frozen=True)
class FormField:
    """One setting.

    Attributes:
        name: Dotted name, as in `--set`.
        section: Dotted name of its section; "" for the top level.
        label: Its name in words.
        help: What it means.
        kind: "choice", "switch", "whole", "number", "choice or number", "list", or "text" for everything else.
        choices: Allowed words of a choice.
        least: Smallest number allowed; None without a bound.
        most: Largest number allowed; None without a bound.
        step: By how much one click changes a number.
        optional: Whether it may be left empty.
        locked: Whether it cannot be changed because the chosen task ignores it.
        fixed: The only value of a locked setting.
    """

    name: str
    section: str
    label: str
    help: str
    kind: str
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    step: float | None = None
    optional: bool = False
    locked: bool = False
    fixed: object = None


def form_fields() -> list[FormField]:
    """Return every setting of a run, section by section, in the order of `RunConfig`."""
    return list(_walk(RunConfig, ""))


def for_task(field: FormField, task: str) -> FormField:
    """Return a setting as it is for a task: locked if the task's class allows only one value."""
    names = field.name.split(".")
    allowed = allowed_values(field_at(TASKS[task], names))
    if names == ["task"] or len(allowed) != 1 or allowed == allowed_values(field_at(RunConfig, names)):
        return field
    return replace(field, locked=True, fixed=allowed[0], help=f"Not for the task {task}. {field.help}")


def _walk(section: type[BaseModel], place: str) -> Iterator[FormField]:
    for name, field in section.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from _walk(annotation, f"{place}.{name}".lstrip("."))
        else:
            form_field = _field(name, place, field)
            yield _task_field(form_field) if form_field.name == "task" else form_field


def _task_field(field: FormField) -> FormField:
    meanings = "; ".join(f"{name}: {task.about}" for name, task in TASKS.items())
    return replace(field, kind="choice", choices=tuple(TASKS), help=f"{field.help} {meanings}.")


def _field(name: str, section: str, field: FieldInfo) -> FormField:
    members = _members(field.annotation)
    optional = type(None) in members
    members = [member for member in members if member is not type(None)]
    words = tuple(word for member in members if get_origin(member) is Literal for word in get_args(member))
    bounds = _bounds(field.metadata)
    match [member for member in members if get_origin(member) is not Literal]:
        case [] if all(isinstance(word, str) for word in words):
            kind = "choice"
        case [kind_of] if kind_of is bool and not words and not optional:
            kind = "switch"
        case [kind_of] if _plain(kind_of) in (int, float) and not optional:
            whole = _plain(kind_of) is int and not words
            kind = "choice or number" if words else "whole" if whole else "number"
            bounds |= _bounds(getattr(kind_of, "__metadata__", ()))
        case [kind_of]:
            kind = "list" if get_origin(kind_of) in (tuple, list) else "text"
        case _:
            kind = "text"
    dotted = f"{section}.{name}".lstrip(".")
    label = LABELS.get(dotted) or " ".join(WORDS.get(word, word) for word in name.split("_")).capitalize()
    return FormField(
        name=dotted,
        section=section,
        label=label,
        help=field.description or "",
        kind=kind,
        choices=words,
        least=bounds.get("least"),
        most=bounds.get("most"),
        step=bounds.get("step"),
        optional=optional,
    )


def _members(annotation: Any) -> list[Any]:  # noqa: ANN401 - a type
    """Return the members of a union; any other type is its only member."""
    return list(get_args(annotation)) if get_origin(annotation) in (Union, types.UnionType) else [annotation]


def _plain(annotation: Any) -> Any:  # noqa: ANN401 - a type
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _bounds(metadata: Iterable[Any]) -> dict[str, float]:
    """Return the bounds in a field's metadata; the configuration itself checks whether a bound is exclusive."""
    found = {}
    for entry in _constraints(metadata):
        for name, bound in (("ge", "least"), ("gt", "least"), ("le", "most"), ("lt", "most"), ("multiple_of", "step")):
            if (value := getattr(entry, name, None)) is not None:
                found[bound] = value
    return found


def _constraints(metadata: Iterable[Any]) -> Iterator[Any]:
    """Yield constraints one by one: `Annotated[float, Field(...)]` wraps them in a `FieldInfo`."""
    for entry in metadata:
        yield from entry.metadata if isinstance(entry, FieldInfo) else [entry]

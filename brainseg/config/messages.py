"""One sentence for each error in a configuration."""

from __future__ import annotations

import reprlib
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Le
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Return one sentence for each of the first five errors: the field, the value and what is allowed."""
    faults: dict[str, list[str]] = {}
    for fault in error.errors()[:5]:
        what, allowed = _fault(fault, model)
        # A field that accepts a word or a number has one error for each.
        earlier = faults.setdefault(what, [])
        earlier.append(allowed.removeprefix("input should be ") if earlier else allowed)
    return " ".join(f"{what}{' or '.join(allowed)}." for what, allowed in faults.items())


def _fault(fault: Any, model: type[BaseModel]) -> tuple[str, str]:  # noqa: ANN401 - pydantic's ErrorDetails
    names = [part for part in fault["loc"] if isinstance(part, str)]
    if fault["type"] == "extra_forbidden":
        beside = list(annotation(model, names[:-1]).model_fields)
        return f"{'.'.join(names)} is not a setting, allowed here: ", ", ".join(beside)
    while names and annotation(model, names) is None:  # pydantic appends the member of a union that it tried
        names.pop()
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error" and not names:  # about several sections: the message names the fields
        return "", message
    field = ".".join(names) or "settings"
    if fault["type"] == "value_error":
        return f"{field}: ", message
    refused = f"{field}: {brief(fault['input'])} is not allowed: "
    if fault["type"] == "model_type":
        return refused, f"it is a section with the fields {', '.join(annotation(model, names).model_fields)}"
    return refused, f"{message[0].lower()}{message[1:]}"


def explain_task(error: ValidationError, kind: type[BaseModel], task: str) -> str:
    """Return one sentence for each setting whose value is valid, but not for this task.

    Args:
        error: The error that `kind` raised.
        kind: The class of the task.
        task: Its name.
    """
    sentences = []
    for fault in error.errors():
        names = [part for part in fault["loc"] if isinstance(part, str)]
        allowed = " or ".join(str(value) for value in allowed_values(field_at(kind, names)))
        sentences.append(f"{'.'.join(names)} {brief(fault['input'])} is not for task {task}, allowed: {allowed}.")
    return " ".join(sentences)


def allowed_values(field: FieldInfo) -> tuple[Any, ...]:
    """Return the values that a field's type lists one by one; none if it lists no values.

    >>> from brainseg.config import SegmentationRun
    >>> allowed_values(field_at(SegmentationRun, ["training", "balance"]))
    ('none', 'sampling')
    """
    if field.annotation is type(None):
        return (None,)
    if get_origin(field.annotation) is Literal:
        return get_args(field.annotation)
    least = {rule.ge for rule in field.metadata if isinstance(rule, Ge)}
    most = {rule.le for rule in field.metadata if isinstance(rule, Le)}
    return tuple(least & most)


def field_at(model: type[BaseModel], names: list[str]) -> FieldInfo:
    """Return the field with a dotted name.

    Raises:
        KeyError: There is no such field.
    """
    *sections, last = names
    fields: dict[str, FieldInfo] = annotation(model, sections).model_fields
    return fields[last]


def brief(value: object) -> str:
    """Return a value as text, shortened to fit into a sentence."""
    shorten = reprlib.Repr()
    shorten.maxstring = shorten.maxother = 80
    try:
        return shorten.repr(value)
    except ValueError:  # Python refuses to print an integer of more than 4300 digits
        return "a number with thousands of digits"


def annotation(model: type[BaseModel], names: list[str]) -> Any:  # noqa: ANN401 - a section or the type of a field
    """Return the type of the field with a dotted name, or None if there is no such field."""
    found: Any = model
    for name in names:
        fields = getattr(found, "model_fields", {})
        if name not in fields:
            return None
        found = fields[name].annotation
    return found

"""What is wrong with a configuration, in one sentence for each fault."""

from __future__ import annotations

import reprlib
from typing import Any

from pydantic import BaseModel, ValidationError


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """Return one sentence for each of the first five faults: the field, the value and what is allowed."""
    faults: dict[str, list[str]] = {}
    for fault in error.errors()[:5]:
        what, allowed = _fault(fault, model)
        # A field that takes a word or a number has a fault for either.
        earlier = faults.setdefault(what, [])
        earlier.append(allowed.removeprefix("input should be ") if earlier else allowed)
    return " ".join(f"{what}{' or '.join(allowed)}." for what, allowed in faults.items())


def _fault(fault: Any, model: type[BaseModel]) -> tuple[str, str]:  # noqa: ANN401 - pydantic's ErrorDetails
    names = [part for part in fault["loc"] if isinstance(part, str)]
    if fault["type"] == "extra_forbidden":
        beside = list(annotation(model, names[:-1]).model_fields)
        return f"{'.'.join(names)} is not a setting, allowed here: ", ", ".join(beside)
    while names and annotation(model, names) is None:  # pydantic appends which member of a union it tried
        names.pop()
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "value_error" and not names:  # between sections, and named in the message
        return "", message
    field = ".".join(names) or "settings"
    if fault["type"] == "value_error":
        return f"{field}: ", message
    refused = f"{field}: {brief(fault['input'])} is not allowed: "
    if fault["type"] == "model_type":
        return refused, f"it is a section with the fields {', '.join(annotation(model, names).model_fields)}"
    return refused, f"{message[0].lower()}{message[1:]}"


def brief(value: object) -> str:
    """Return a value as text, shortened to what fits into a sentence."""
    shorten = reprlib.Repr()
    shorten.maxstring = shorten.maxother = 80
    try:
        return shorten.repr(value)
    except ValueError:  # Python refuses to print an integer of more than 4300 digits
        return "a number of thousands of digits"


def annotation(model: type[BaseModel], names: list[str]) -> Any:  # noqa: ANN401 - a section or the type of a field
    """Return the type behind a dotted name, or None where there is no such field."""
    found: Any = model
    for name in names:
        fields = getattr(found, "model_fields", {})
        if name not in fields:
            return None
        found = fields[name].annotation
    return found

"""Values in files that other programs may have written: those of another type count as unknown."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator

T = TypeVar("T")


def _or_unknown(value: Any, check: ValidatorFunctionWrapHandler) -> Any:  # noqa: ANN401 - whatever JSON holds
    try:
        return check(value)
    except ValidationError:
        return None


Known = Annotated[T | None, WrapValidator(_or_unknown)]
"""The type of a field that is None where its value is not known."""

"""`Trial`: a trial of a search as its study needs it, whatever ran it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from brainseg.search.ranges import choice_words

State = Literal["live", "complete", "pruned", "failed"]


def no_epochs() -> dict[int, float]:
    """Return the epochs of a trial without any, such as that of an instant baseline."""
    return {}


@dataclass(frozen=True)
class Trial:
    """One trial.

    Attributes:
        run: Id of its run.
        number: Counted from 0 within the search.
        point: The searched settings by dotted name, in the order of the ranges.
        state: "live" (waiting or running), "complete", "pruned" or "failed"; a trial without a value has failed.
        value: The metric that is maximised; None unless it is complete.
        epochs: Reads the main metric after each epoch, counted from 1.
    """

    run: str
    number: int
    point: Mapping[str, Any]
    state: State
    value: float | None = None
    epochs: Callable[[], Mapping[int, float]] = no_epochs


def point_key(point: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Return what two equal points share, whatever the order of their settings.

    >>> point_key({"b": 1, "a": [2]}) == point_key({"a": [2], "b": 1})
    True
    """
    return tuple(sorted((name, choice_words(value)) for name, value in point.items()))

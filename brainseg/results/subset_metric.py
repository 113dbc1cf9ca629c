"""The main metric of a run on a part of its evaluated images."""

from __future__ import annotations

from typing_extensions import TypedDict

from brainseg.models.validation import Interval


class SubsetMetric(TypedDict):
    """The main metric of a task on some images.

    Attributes:
        name: "accuracy" or "dice" (of all pixels together).
        value: None if it is not defined.
        interval: Its 95 % interval; None if it has none.
        count: Number of images or slices.
    """

    name: str
    value: float | None
    interval: Interval
    count: int

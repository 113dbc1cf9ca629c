"""Divides images into subsets by a property: a few named values, or thirds of a number."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_VALUES = 12
"""Most values of a property that name a subset each."""
MOST_NUMBERS = 5
"""A property with more different numbers is divided into thirds."""
THIRDS = ("low", "middle", "high")


@dataclass(frozen=True, eq=False)
class Parts:
    """Images divided by a property.

    Attributes:
        values: (N,) object, the name of each image's subset; "" where the property is not known.
        names: The subsets in their order.
    """

    values: np.ndarray
    names: tuple[str, ...]


def parts_of(texts: Sequence[str]) -> Parts | None:
    """Divide images by a property.

    Args:
        texts: The property of each image, "" where it is not known.

    Returns:
        The parts: one for each value, or thirds if all values are numbers and there are more than `MOST_NUMBERS`. None
        if that gives fewer than two parts, or more than `MOST_VALUES`.

    Examples:
        >>> parts_of(["axial", "coronal", "axial", ""]).names
        ('axial', 'coronal')
        >>> parts_of(["1", "2", "3", "4", "5", "6"]).names
        ('low: up to 2', 'middle: over 2, up to 4', 'high: over 4')
        >>> parts_of(["a", "a"]) is None
        True
    """
    found = np.array([str(text).strip() for text in texts], dtype=object)
    known = sorted({text for text in found if text})
    numbers = [_number(text) for text in known]
    if numbers and all(math.isfinite(number) for number in numbers):
        if len(set(numbers)) > MOST_NUMBERS:
            return thirds_of(np.array([_number(text) for text in found]))
        known = [known[place] for place in np.argsort(numbers, kind="stable")]
    return Parts(found, tuple(known)) if 2 <= len(known) <= MOST_VALUES else None


def thirds_of(numbers: np.ndarray, unit: str = "") -> Parts | None:
    """Divide images into thirds of a number: up to its first tertile, up to its second one, and above.

    Args:
        numbers: (N,) float64, NaN where it is not known.
        unit: What the numbers are, for the names of the parts.

    Returns:
        The parts, of which equal numbers may leave only two; None if they leave one.
    """
    known = np.isfinite(numbers)
    if not known.any():
        return None
    # A number that occurs, not one between two: so each part can be found again by its name.
    low, high = np.quantile(numbers[known], (1 / 3, 2 / 3), method="inverted_cdf")
    words = f" {unit}" if unit else ""
    names = (
        f"{THIRDS[0]}: up to {low:,.10g}{words}",
        f"{THIRDS[1]}: over {low:,.10g}, up to {high:,.10g}{words}",
        f"{THIRDS[2]}: over {high:,.10g}{words}",
    )
    places = (numbers > low).astype(np.int64) + (numbers > high)
    values = np.where(known, np.array(names, dtype=object)[places], "")
    kept = tuple(name for name in names if (values == name).any())
    return Parts(values, kept) if len(kept) > 1 else None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan

"""The meaning of mask values: the class of each value, and the names of the classes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
from PIL import ImageColor

from brainseg.datasets.manifest import read_manifest
from brainseg.datasets.mask_values import COLOUR, MOST_VALUE, colour_name, refuse_odd_numbers, shown_value
from brainseg.errors import DataError
from brainseg.scans import display_name

BACKGROUND, TUMOUR = "background", "tumour"
NAMES = "classes.csv"
"""File that names the values of masks with several classes: columns value and name, or colour and name."""
MOST_CLASSES = 20
"""Largest class number in a dataset without `classes.csv`; larger values are shades of grey."""
FEW = 3
"""A mask with more unknown values than this is soft: its values are shades of grey, not classes."""
HOW = f"save masks with class numbers, or with 0 and 255, or name every value in {NAMES} (value,name)"


def number_classes(
    found: Iterable[Collection[int]], names: Mapping[int, str]
) -> tuple[dict[int, int], tuple[str, ...]]:
    """Decide what the mask values of a dataset mean, according to most of its masks.

    Args:
        found: The values in each mask whose format preserves values.
        names: The contents of `classes.csv`; empty without one.

    Returns:
        Value -> class number, and the class names. Without names, masks of 0 and 255 (some of 0 and 1), or of 0 and one
        other value, are tumour masks; values up to 20 are class numbers. Values that are not in the result are unknown.
    """
    if names:
        return _named(names)
    masks = [frozenset(values) for values in found]
    marked = [mask - {0} for mask in masks if mask - {0}]
    fits: dict[int, list[frozenset[int]]] = {
        value: [mask for mask in marked if mask == {value}]
        for value in {max(mask) for mask in marked if len(mask) == 1}
        if MOST_CLASSES < value != 255
    }
    fits[MOST_CLASSES] = [mask for mask in marked if max(mask) <= MOST_CLASSES]
    fits[255] = [mask for mask in marked if mask in ({1}, {255})] if any(255 in mask for mask in marked) else []
    # In a tie the last one wins: 255 before class numbers, class numbers before any other value.
    chosen = max(reversed(fits), key=lambda kind: len(fits[kind]))
    soft = sum(len(mask - {0, 255}) > FEW and max(mask) > MOST_CLASSES for mask in marked)
    if len(fits[chosen]) <= soft or (chosen == 255):
        return {0: 0, 255: 1}, (BACKGROUND, TUMOUR)
    if chosen != MOST_CLASSES:
        return {0: 0, chosen: 1}, (BACKGROUND, TUMOUR)
    return _numbered(sorted(set().union(*fits[chosen])))


def _numbered(classes: list[int]) -> tuple[dict[int, int], tuple[str, ...]]:
    numbers = {0: 0, **{value: number for number, value in enumerate(classes, start=1)}}
    names = (TUMOUR,) if len(classes) == 1 else tuple(f"class {value}" for value in classes)
    return numbers, (BACKGROUND, *names)


def _named(names: Mapping[int, str]) -> tuple[dict[int, int], tuple[str, ...]]:
    """Number named values; the background is the value with that name, else 0 or black."""
    black = COLOUR if max(names) >= COLOUR else 0
    called = [value for value, name in names.items() if name.casefold() == BACKGROUND]
    ground = called[0] if called else black
    values = [ground, *sorted(set(names) - {ground})]
    named = {ground: BACKGROUND, **names}
    return {value: number for number, value in enumerate(values)}, tuple(named[value] for value in values)


def in_colours(numbers: Mapping[int, int]) -> bool:
    """Return whether the classes of a dataset are colours."""
    return any(value >= COLOUR for value in numbers)


def class_numbers(
    values: np.ndarray, numbers: Mapping[int, int], name: str, threshold: float | None = None
) -> np.ndarray:
    """Return a mask's class numbers, (H, W) uint8.

    Args:
        values: (H, W) as in `MaskFile`.
        numbers: Value -> class number. A mask with only 0 and 1 in a dataset with 0 and 255 counts as 0 and 255.
        name: Name of the mask for messages.
        threshold: Values from this number up are class 1 and all others class 0; `numbers` is then ignored.

    Raises:
        DataError: It contains a value that is not in `numbers`, or is a colour image or contains fractions where that
            is not allowed.
    """
    if threshold is not None:
        if values.dtype == np.uint32:
            refuse_odd_numbers(values, name, "data.mask_threshold needs grey values, so save masks as grey images")
        return (values >= threshold).astype(np.uint8)
    if not in_colours(numbers):
        refuse_odd_numbers(values, name, HOW)
    present = np.unique(values).tolist()
    known = numbers_for_mask(present, numbers)
    if strange := [value for value in present if value not in known]:
        raise DataError(f"{display_name(name)} {unknown_values(strange, numbers)}: {how_to_name(numbers)}.")
    mask = np.zeros(values.shape, dtype=np.uint8)
    for value in present:
        mask[values == value] = known[value]
    return mask


def numbers_for_mask(present: Collection[int], numbers: Mapping[int, int]) -> Mapping[int, int]:
    """Return the class numbers for one mask: if it has only 0 and 1 in a dataset of 0 and 255, 1 means 255."""
    return {0: 0, 1: 1} if dict(numbers) == {0: 0, 255: 1} and max(present) == 1 else numbers


def unknown_values(strange: Collection[int], numbers: Mapping[int, int]) -> str:
    """Return which values of a mask are unknown, as words that follow its name."""
    listed, kind = sorted(strange), "colour" if in_colours(numbers) else "value"
    if len(listed) > FEW:
        return f"contains {len(listed)} unknown {kind}s, such as {shown_value(listed[0])}"
    known = ", ".join(map(shown_value, sorted(numbers)))
    several = "s" if len(listed) > 1 else ""
    return f"contains the unknown {kind}{several} {', '.join(map(shown_value, listed))} (known: {known})"


def how_to_name(numbers: Mapping[int, int]) -> str:
    """Return how users can make a value known."""
    return f"name every colour in {NAMES} (colour,name)" if in_colours(numbers) else HOW


def read_names(folder: Path) -> dict[int, str]:
    """Return value or colour -> class name from the folder's `classes.csv`; empty if there is none.

    Raises:
        DataError: The file is damaged, a value is not an integer from 0 to 65,535 or not a colour, or a value or name
            occurs twice.
    """
    file = folder / NAMES
    if not file.is_file():
        return {}
    rows = read_manifest(file, ("name",), ())
    column = next((column for column in ("colour", "color", "value") if column in rows[0][1]), None)
    if column is None:
        raise DataError(f"{NAMES} has neither a column 'value' nor a column 'colour': add one of them besides name.")
    names: dict[int, str] = {}
    for where, cells in rows:
        text, name = cells[column], cells["name"]
        value = _whole(text) if column == "value" else _colour(text)
        if value is None or not name:
            wanted = "a whole number from 0 to 65535" if column == "value" else "a colour such as #ff0000 or 255 0 0"
            raise DataError(f"{where}: write {wanted} and a name, not {text!r} and {name!r}.")
        if value in names or name.casefold() in map(str.casefold, names.values()):
            raise DataError(f"{where}: the {column} {text} or the name {name!r} occurs twice: remove one.")
        names[value] = name
    if len(_named(names)[1]) < 2 or len(names) > MOST_CLASSES + 1:
        ground = "0" if column == "value" else "black"
        raise DataError(f"{NAMES} must name 1 to {MOST_CLASSES} {column}s besides {ground}.")
    return names


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and int(text) <= MOST_VALUE else None


def _colour(text: str) -> int | None:
    """Read a colour: #ff0000, ff0000, red, or three numbers with any separators."""
    parts = re.findall(r"\d+", text)
    if re.fullmatch(r"\D*\d+\D+\d+\D+\d+\D*", text):
        red, green, blue = map(int, parts)
    else:
        try:
            red, green, blue = ImageColor.getrgb(f"#{text}" if re.fullmatch(r"[0-9a-fA-F]{6}", text) else text)[:3]
        except ValueError:
            return None
    inside = max(red, green, blue) <= 255
    return COLOUR + (red << 16) + (green << 8) + blue if inside else None


def colours_in_words(colours: Collection[int]) -> str:
    """List colours as they are written in `classes.csv`."""
    return ", ".join(map(colour_name, sorted(colours)))

"""The values in the masks of volumes: whole numbers, and the names of their classes."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainseg.errors import DataError, ScanError

CLOSE = 1e-3
"""Values further than this from a whole number are no labels."""
MOST_LABEL = 255
BACKGROUND, TUMOUR = "background", "tumour"
_CORE, _OEDEMA, _ENHANCING = "necrotic core", "oedema", "enhancing tumour"
_BRATS_2021 = {1: _CORE, 2: _OEDEMA, 4: _ENHANCING}
_BRATS_2023 = {1: _CORE, 2: _OEDEMA, 3: _ENHANCING}
_BRATS_2024 = {1: "non-enhancing core", 2: "oedema", 3: _ENHANCING, 4: "resection cavity"}


def whole_labels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return the values of a mask as whole numbers.

    A mask that was stored with a scale factor holds values such as 2.9999; cutting the decimals off would make it
    another class, so they are rounded.

    Args:
        values: Of any shape.

    Raises:
        ScanError: A value is no whole number from 0 to 255. The message has no name in front.
    """
    rounded = np.rint(values)
    if np.abs(values - rounded).max(initial=0.0) > CLOSE:
        odd = float(values[np.abs(values - rounded) > CLOSE][0])
        raise ScanError(f"is no mask: it holds {odd:g}, and labels are whole numbers")
    if rounded.min(initial=0.0) < 0 or rounded.max(initial=0.0) > MOST_LABEL:
        odd = float(rounded.min() if rounded.min() < 0 else rounded.max())
        raise ScanError(f"is no mask: it holds {odd:g}, and labels are from 0 to {MOST_LABEL}")
    return rounded.astype(np.uint8)


def name_labels(masks: Collection[frozenset[int]], given: Mapping[int, str], brats: bool) -> tuple[dict[int, str], str]:
    """Return value -> class name for the masks of a dataset, and a sentence that says which meaning was taken.

    Args:
        masks: The values in each mask.
        given: Names from a file beside the masks; if there are any, they are used.
        brats: Whether the studies are named like those of BraTS. The challenges changed the numbers: enhancing tumour
            is 4 until 2021 and 3 since 2023, and 4 is the resection cavity since 2024, so the values decide.

    Raises:
        DataError: A value has no given name, or masks of several BraTS years are mixed.
    """
    present = sorted(set().union(*masks) - {0})
    if given:
        if unknown := [value for value in present if value not in given]:
            raise DataError(
                f"The masks hold the value {unknown[0]}, which the data do not name: correct the list of labels."
            )
        return {0: BACKGROUND, **{value: given[value] for value in sorted(given) if value}}, (
            "The classes are named as in the data."
        )
    if brats and len(present) > 1:
        return _brats(masks)
    if len(present) < 2:
        return {0: BACKGROUND, **dict.fromkeys(present, TUMOUR)}, ""
    names = {value: f"class {value}" for value in present}
    return {0: BACKGROUND, **names}, (
        f"The masks hold the values {', '.join(map(str, present))}, whose meaning no file states: change the names in "
        "classes.csv."
    )


def _brats(masks: Collection[frozenset[int]]) -> tuple[dict[int, str], str]:
    present = set().union(*masks) - {0}
    both = any({3, 4} <= mask for mask in masks)
    if {3, 4} <= present and not both:
        raise DataError(
            "Some masks hold the value 3 and others the value 4, so they are of different BraTS years, in which the "
            "same number means different things: add each year as a dataset of its own."
        )
    if strange := sorted(present - set(_BRATS_2024)):
        raise DataError(f"The masks hold the value {strange[0]}, which BraTS does not use: check the files.")
    year, names = ("2024", _BRATS_2024) if both else ("2021", _BRATS_2021) if 4 in present else ("2023", _BRATS_2023)
    if not present & {3, 4}:
        year, names = "all years", {value: names[value] for value in sorted(present)}
    said = ", ".join(f"{value} {name}" for value, name in names.items())
    return {0: BACKGROUND, **names}, f"The values are read as those of BraTS {year}: {said}."


def json_labels(stored: Mapping[str, Any]) -> dict[int, str]:
    """Return value -> class name from a `dataset.json` of the Medical Decathlon or of nnU-Net; empty without names.

    Raises:
        DataError: It names a value to ignore, or regions of several values, which brainseg cannot use.
    """
    found: dict[int, str] = {}
    labels = stored.get("labels")
    for key, value in (labels if isinstance(labels, dict) else {}).items():
        name, number = (str(value), key) if str(key).isdigit() else (str(key), value)
        if isinstance(number, list) or name.casefold() == "ignore":
            what = f"the region {name!r} of several values" if isinstance(number, list) else "a value to ignore"
            raise DataError(f"dataset.json names {what}, which brainseg does not support: give each value one name.")
        found[int(number)] = name.strip() or f"class {number}"
    return found


def read_json(file: Path) -> dict[str, Any]:
    """Return the contents of a `dataset.json`; empty if there is none or it is damaged."""
    try:
        stored = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return stored if isinstance(stored, dict) else {}

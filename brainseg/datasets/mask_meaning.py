"""Find masks whose values do not fit the classes of the dataset, with one sentence for each kind of fault."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from brainseg.datasets.mask_classes import (
    FEW,
    MOST_CLASSES,
    NAMES,
    colours_in_words,
    how_to_name,
    in_colours,
    numbers_for_mask,
    unknown_values,
)
from brainseg.datasets.mask_faults import NAMED, Fault, display_path
from brainseg.datasets.mask_pairs import Pair
from brainseg.datasets.mask_reading import Read

Row = tuple[Pair, Read]
SETTING = "data.mask_threshold"


def split_known(
    rows: Sequence[Row], numbers: Mapping[int, int], threshold: float | None
) -> tuple[list[Row], list[Fault]]:
    """Return the rows whose mask values have a known meaning, and a fault for each of the others.

    Args:
        rows: Images and masks as read.
        numbers: Value -> class number.
        threshold: Values from this number up are tumour; None without a threshold.
    """
    kinds: dict[str, list[Row]] = {"": [], "colour": [], "soft": [], "odd": [], "exchanged": []}
    for pair, read in rows:
        kinds[_kind(read, numbers, threshold)].append((pair, read))
    if 2 * sum(read.fit.flat for _, read in kinds["soft"]) > len(kinds["soft"]):
        kinds["exchanged"], kinds["soft"] = kinds["soft"], []
    messages: dict[str, Callable[[], str]] = {
        "exchanged": lambda: _exchanged(kinds["exchanged"], len(rows)),
        "colour": lambda: _colours(kinds["colour"], threshold),
        "soft": lambda: _shades(kinds["soft"], len(rows), numbers),
        "odd": lambda: _values(kinds["odd"], numbers),
    }
    faults = []
    for kind, message in messages.items():
        if kind == "odd" and len(kinds[kind]) <= NAMED:
            reasons = {pair.mask: f"{display_path(pair.mask)} {_odd(read, numbers)}" for pair, read in kinds[kind]}
            faults += [Fault(kind, mask, reason) for mask, reason in reasons.items()]
        elif kinds[kind]:
            reason = message()
            faults += [Fault(kind, mask, reason) for mask in dict.fromkeys(pair.mask for pair, _ in kinds[kind])]
    return kinds[""], faults


def _kind(read: Read, numbers: Mapping[int, int], threshold: float | None) -> str:
    """Return the kind of fault of a mask, "" if its values have a known meaning."""
    if read.coloured and (threshold is not None or not in_colours(numbers)):
        return "colour"
    if threshold is not None:
        return ""
    strange = _strange(read, numbers)
    if read.fractions or (strange and not read.coloured and (read.blurred or len(strange) > FEW)):
        return "soft"
    return "odd" if strange else ""


def _strange(read: Read, numbers: Mapping[int, int]) -> list[int]:
    # In a JPEG, values of only 0 and 1 are remains of class numbers, whose edges are lost.
    known = numbers if read.blurred else numbers_for_mask(read.values, numbers)
    return [value for value in read.values if value not in known]


def _odd(read: Read, numbers: Mapping[int, int]) -> str:
    return f"{unknown_values(_strange(read, numbers), numbers)}: {how_to_name(numbers)}."


def _values(rows: list[Row], numbers: Mapping[int, int]) -> str:
    strange = sorted({value for _, read in rows for value in _strange(read, numbers)})
    masks = f"{len(rows)} masks, such as {display_path(rows[0][0].mask)}:"
    return f"{masks} the dataset {unknown_values(strange, numbers)}: {how_to_name(numbers)}."


def _shades(rows: list[Row], total: int, numbers: Mapping[int, int]) -> str:
    """Return the message that masks are soft, and how to use them."""
    pair, read = max(rows, key=lambda row: row[1].count)
    top = max(read.highest for _, read in rows)
    half = f"{top / 2:g}" if any(read.fractions for _, read in rows) else f"{max(1, math.ceil(top / 2))}"
    why = ", because JPEG blurs edges" if read.blurred else ""
    which = f"{display_path(pair.mask)} contains" if len(rows) == 1 else f"{len(rows)} of {total} masks are soft"
    example = "" if len(rows) == 1 else f", such as {display_path(pair.mask)} with"
    shades = f"{read.count} shades of grey up to {read.highest:g}{why}"
    whole = "save masks as PNG or TIFF, with class numbers or with 0 and 255"
    if len(numbers) > 2:
        return f"{which}{example} {shades}: {whole}."
    rough = ", with rough edges because JPEG keeps no class numbers" if read.blurred and top <= MOST_CLASSES else ""
    remedy = f"use --set {SETTING}={half} to make the upper half of the values tumour{rough}"
    return f"{which}{example} {shades}: {remedy}, or {whole}."


def _exchanged(rows: list[Row], total: int) -> str:
    """Return the message that images and masks seem to be exchanged."""
    return (
        f"{len(rows)} of {total} masks contain shades of grey, and their images only a few values, such as "
        f"{display_path(rows[0][0].path)}: images and masks seem to be exchanged, so swap their folders or names."
    )


def _colours(rows: list[Row], threshold: float | None) -> str:
    """Return the message about the colours in masks, and how to name them."""
    seen = {value for _, read in rows for value in read.values}
    which = (
        f"{display_path(rows[0][0].mask)} is a colour image, not a mask"
        if len(rows) == 1
        else f"{len(rows)} masks are colour images, such as {display_path(rows[0][0].mask)}"
    )
    if threshold is not None:
        return f"{which}: {SETTING} needs grey values, so save masks as grey images, or leave the threshold out."
    if len(seen) > MOST_CLASSES + 1:
        most = max(read.count for _, read in rows)
        return f"{which}: {most} colours are too many for classes, so save masks with class numbers, or with 0 and 255."
    listed = colours_in_words(seen)
    return f"{which} (colours {listed}): add a {NAMES} with the columns colour and name to the dataset's folder."

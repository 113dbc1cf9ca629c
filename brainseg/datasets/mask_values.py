"""Pixel values of mask files: read as they are stored, then numbered as classes."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from brainseg.datasets.manifest import read_manifest
from brainseg.datasets.sources import read_named
from brainseg.errors import DataError, ScanError
from brainseg.files import sha256_bytes
from brainseg.scans import display_name

BACKGROUND, TUMOUR = "background", "tumour"
NAMES = "classes.csv"
"""Names the values of masks with several classes: columns value and name."""
MOST_CLASSES = 20
"""A set without `classes.csv` may number its classes up to this: larger values are shades of grey."""
_HOW = f"save masks with class numbers, or 0 and 255, or name every value in {NAMES} (value,name)"


@dataclass(frozen=True)
class MaskFile:
    """A mask as stored.

    Attributes:
        values: (H, W) integers; of a palette the index, of a black-and-white picture 0 and 255.
        sha256: Hash of the file's bytes.
    """

    values: np.ndarray
    sha256: str


def read_values(root: Path, path: str) -> MaskFile:
    """Read a mask's values without any of the rounding and colouring that is right for images.

    Raises:
        ScanError: The file is no readable image.
        DataError: It is a colour picture, or its values are not whole numbers from 0 to 65,535.
    """
    scan = read_named(root, path)  # its guards hold for what is decoded below, which is the same bytes
    data = (root / path).read_bytes()
    if sha256_bytes(data) != scan.sha256:
        raise DataError(f"{scan.name} changed while it was being read: start again.")
    try:
        with Image.open(io.BytesIO(data), formats=(scan.source_format,)) as image:
            values = _values(ImageOps.exif_transpose(image))
    except Exception as error:
        raise ScanError(f"{scan.name} is damaged or cut short: copy or export it again.") from error
    if values is None:
        raise DataError(f"{scan.name} is a colour picture, not a mask: {_HOW}.")
    if values.dtype.kind == "f" and not np.array_equal(values, np.rint(values)):
        raise DataError(f"{scan.name} holds fractions: {_HOW}.")
    if values.min() < 0 or values.max() > np.iinfo(np.uint16).max:
        raise DataError(f"{scan.name} holds values outside 0 to 65,535: {_HOW}.")
    return MaskFile(values.astype(np.uint16), scan.sha256)


def _values(image: Image.Image) -> np.ndarray | None:
    """Return the values of a picture of any mode; None for colours."""
    if image.mode == "P":
        return _of_palette(image)
    if image.mode == "1":
        return np.asarray(image).astype(np.uint8) * np.uint8(255)
    if image.mode in ("L", "I", "F") or image.mode.startswith("I;16"):
        return np.asarray(image)
    if image.mode not in ("LA", "RGB", "RGBA"):
        return None
    planes = np.asarray(image)
    colours = planes[..., : len(image.getbands()) - ("A" in image.getbands())]
    return colours[..., 0] if (colours == colours[..., :1]).all() else None


def _of_palette(image: Image.Image) -> np.ndarray:
    """Return the index of each pixel, or 0 and 255 where the colours in use are black and white only."""
    indices = np.asarray(image)
    colours = np.asarray(image.convert("RGB"))
    if np.isin(np.unique(colours), (0, 255)).all() and (colours == colours[..., :1]).all():
        return colours[..., 0]
    return indices


def number_classes(
    found: Iterable[Collection[int]], names: Mapping[int, str]
) -> tuple[dict[int, int], tuple[str, ...]]:
    """Decide what the values of a set's masks mean.

    Args:
        found: The values in each mask.
        names: What `classes.csv` says; empty without one.

    Returns:
        Value -> class number, and the class names. Without names: one value beside 0, or 255 anywhere, is a tumour
        mask; values up to 20 are class numbers. Values that are not in the result are unknown.
    """
    if names:
        values = sorted({0, *names})
        named = {0: BACKGROUND, **names}
        return {value: number for number, value in enumerate(values)}, tuple(named[value] for value in values)
    foreground = sorted({value for values in found for value in values} - {0})
    if 255 in foreground:
        return {0: 0, 255: 1}, (BACKGROUND, TUMOUR)
    if len(foreground) <= 1:
        return {0: 0, (foreground or [255])[0]: 1}, (BACKGROUND, TUMOUR)
    classes = [value for value in foreground if value <= MOST_CLASSES]
    numbers = {0: 0, **{value: number for number, value in enumerate(classes, start=1)}}
    return numbers, (BACKGROUND, *(f"class {value}" for value in classes))


def class_numbers(values: np.ndarray, numbers: Mapping[int, int], name: str) -> np.ndarray:
    """Return a mask's class numbers, (H, W) uint8.

    Args:
        values: (H, W) uint16, as stored.
        numbers: Value -> class number. A mask of only 0 and 1 in a set of 0 and 255 counts as one of 0 and 255.
        name: What to call the mask.

    Raises:
        DataError: It holds a value that is not in `numbers`.
    """
    lookup = np.full(np.iinfo(np.uint16).max + 1, 255, dtype=np.uint8)
    for value, number in numbers.items():
        lookup[value] = number
    if dict(numbers) == {0: 0, 255: 1} and values.max() <= 1:
        lookup[1] = 1
    mask = lookup[values]
    if (mask == 255).any():
        raise DataError(_unknown(np.unique(values[mask == 255]).tolist(), sorted(numbers), name))
    return mask


def _unknown(strange: list[int], known: list[int], name: str) -> str:
    shown = display_name(name)
    if shown.lower().endswith((".jpg", ".jpeg", ".jfif")):
        return f"{shown} holds {len(strange)} shades of grey, since JPEG blurs edges: save masks as PNG or TIFF."
    if len(strange) > 3:
        return f"{shown} holds {len(strange)} unknown values, such as {strange[0]}: {_HOW}."
    listed = ", ".join(map(str, strange))
    return f"{shown} holds the unknown value {listed} (known are {', '.join(map(str, known))}): {_HOW}."


def read_names(folder: Path) -> dict[int, str]:
    """Return value -> class name from the folder's `classes.csv`; empty where there is none.

    Raises:
        DataError: The file is damaged, a value is no whole number from 0 to 65,535, or a value or name occurs twice.
    """
    file = folder / NAMES
    if not file.is_file():
        return {}
    names: dict[int, str] = {}
    for where, cells in read_manifest(file, ("value", "name"), ()):
        text, name = cells["value"], cells["name"]
        if not text.isascii() or not text.isdigit() or int(text) > np.iinfo(np.uint16).max or not name:
            raise DataError(f"{where}: give a whole number from 0 to 65535 and a name, not {text!r} and {name!r}.")
        if int(text) in names or name in names.values():
            raise DataError(f"{where}: the value {text} or the name {name!r} is there twice.")
        names[int(text)] = name
    if len(set(names) | {0}) < 2 or len(names) > MOST_CLASSES + 1:
        raise DataError(f"{NAMES} must name 1 to {MOST_CLASSES} values beside 0.")
    return names

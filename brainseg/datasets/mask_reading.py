"""Read an image and its mask once: their columns in the table, and the contents of the mask."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brainseg.datasets.image_reading import read_named, scan_facts
from brainseg.datasets.listing import folders_of
from brainseg.datasets.mask_classes import BACKGROUND
from brainseg.datasets.mask_faults import Fault, display_path
from brainseg.datasets.mask_pairs import Pair
from brainseg.datasets.mask_plausibility import MaskFit, measure_fit
from brainseg.datasets.mask_store import MaskStore
from brainseg.datasets.mask_values import COLOUR, MaskFile, turned
from brainseg.datasets.modalities import differences
from brainseg.errors import BrainsegError
from brainseg.scans import Scan

KEPT = 300
"""Most distinct values of a mask that are kept; no mask with classes has more."""


@dataclass(frozen=True)
class Rule:
    """What is known about a dataset's masks before they are read.

    Attributes:
        names: Value or colour -> class name, from `classes.csv`.
        threshold: Values from this number up are tumour.
    """

    names: dict[int, str]
    threshold: float | None = None

    @property
    def colours(self) -> bool:
        """Whether classes are colours."""
        return any(value >= COLOUR for value in self.names)

    def marked(self, values: np.ndarray) -> np.ndarray:
        """Return the pixels that are not background, (H, W) bool."""
        if self.threshold is not None:
            return values >= self.threshold
        ground = [value for value, name in self.names.items() if name.casefold() == BACKGROUND]
        marked: np.ndarray = values != (ground[0] if ground else COLOUR if values.dtype == np.uint32 else 0)
        return marked


@dataclass(frozen=True)
class Read:
    """The facts from one pass over an image and its mask.

    Attributes:
        facts: Columns of the dataset's table.
        values: Value in the mask -> number of pixels, for at most `KEPT` values; with a threshold 0 and 1.
        count: Number of distinct values in the mask.
        lowest: The lowest value except 0.
        highest: The highest value.
        coloured: Whether the values are colours.
        fractions: Whether the values are fractions.
        blurred: Whether the format changes values, which then cannot be class numbers.
        apart: How much the channels differ from FLAIR; None if the channels have no names.
        fit: Whether the mask can belong to the image.
        pages: Number of pages in the image's file.
    """

    facts: dict[str, object]
    values: dict[int, int]
    count: int
    lowest: float
    highest: float
    coloured: bool
    fractions: bool
    blurred: bool
    apart: np.ndarray | None
    fit: MaskFit
    pages: int


def read_pair(root: Path, pair: Pair, rule: Rule, store: MaskStore) -> Read | Fault:
    """Read an image and its mask, which `store` keeps; return a fault for files that cannot be used."""
    name = pair.path
    try:
        scan = read_named(root, name)
        name = pair.mask
        mask = store.read(root, name, rule.colours)
    except BrainsegError as error:
        return Fault("reading", name, f"{folders_of(name)}{error}")
    if scan.pages != mask.pages:
        counts = f"{mask.pages} pages, its image {scan.pages}"
        reason = f"{display_path(name)} has {counts}: export the same number of pages, or save each page as a file."
        return Fault("pages", name, reason, f"{display_path(name)} ({counts})")
    turn = _turn(scan, mask, pair)
    if isinstance(turn, Fault):
        return turn
    values = turned(mask.values, turn)
    height, width = scan.pixels.shape[:2]
    if values.shape != (height, width):
        sizes = f"{values.shape[1]} x {values.shape[0]} pixels, its image {width} x {height}"
        reason = f"{display_path(name)} is {sizes}: export the mask again in the size of its image."
        return Fault("size", name, reason, f"{display_path(name)} ({sizes})")
    return _read_result(scan, mask, values, turn, pair, rule)


def _turn(image: Scan, mask: MaskFile, pair: Pair) -> int | Fault:
    """Return the EXIF orientation that aligns a mask without one with its upright image."""
    if image.orientation == mask.orientation:
        return 1
    upright = (image.pixels.shape[1], image.pixels.shape[0])
    if mask.orientation == 1 and image.size != upright:
        # A program without EXIF support drew the mask on the pixels as stored; other programs use the upright image.
        return image.orientation if mask.size == image.size else 1
    notes = f"the EXIF orientation {mask.orientation}, its image {image.orientation}"
    reason = f"{display_path(pair.mask)} has {notes}: save both again without an EXIF orientation."
    return Fault("orientation", pair.mask, reason, f"{display_path(pair.mask)} ({notes})")


def _read_result(scan: Scan, mask: MaskFile, values: np.ndarray, turn: int, pair: Pair, rule: Rule) -> Read:
    marked = rule.marked(values)
    kept, amounts = _counted(values)
    if rule.threshold is not None and not mask.coloured:
        kept, amounts = np.array([0, 1]), np.array([np.count_nonzero(~marked), np.count_nonzero(marked)])
    finite = values[np.isfinite(values) & (values > 0)] if values.dtype.kind == "f" else kept[kept > 0]
    facts = {**scan_facts(scan), "mask_sha256": mask.sha256, "mask_turn": turn}
    if scan.spacing and not pair.spacing:
        facts["spacing"] = f"{scan.spacing[0]!r} {scan.spacing[1]!r}"
    return Read(
        facts=facts,
        values={int(value): int(amount) for value, amount in zip(kept[:KEPT], amounts[:KEPT], strict=True) if amount},
        count=len(kept),
        lowest=float(finite.min()) if len(finite) else 0.0,
        highest=float(values.max()) if values.dtype.kind != "f" else float(finite.max()) if len(finite) else 0.0,
        coloured=mask.coloured,
        fractions=values.dtype.kind == "f",
        blurred=mask.blurred,
        apart=differences(scan.pixels, pair.channels) if "FLAIR" in pair.channels else None,
        fit=measure_fit(scan.pixels, marked, values),
        pages=scan.pages,
    )


def _counted(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values and the number of pixels with each."""
    if values.dtype != np.uint16:
        return np.unique(values, return_counts=True)
    counts = np.bincount(values.ravel())
    present = np.flatnonzero(counts)
    return present, counts[present]

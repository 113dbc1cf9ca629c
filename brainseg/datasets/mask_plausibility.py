"""Check whether a mask can belong to its image: it must not cover the border, most of the head or the background."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from brainseg.datasets.findings import Finding
from brainseg.datasets.mask_alignment import gains, moved_masks
from brainseg.datasets.mask_detection import is_flat

SIDE = 128
"""Images are subsampled to about this many pixels on the longer side."""
HEAD = 0.1
"""Pixels brighter than this fraction of an image's 99th percentile belong to the head, with everything they enclose."""
MOST = 0.5
"""A mask covers most of the image or head above this fraction; tumours of TCGA-LGG cover at most 0.26 of the head."""
OUT = 0.1
"""Largest fraction of a mask that may be outside the head; in TCGA-LGG it is 0."""
EDGE = 0.1
"""Largest fraction of the image's border that a mask may cover; in TCGA-LGG it is 0."""
AROUND = 0.9
"""Least fraction of the border that an inverted mask covers."""

_SIDES = ("up", "down", "left", "right")

_KINDS = {
    "mask-inverted": "{masks} mark most of the image and its border: they look inverted, so check that 0 is the "
    "background.",
    "mask-border": "{masks} cover much of the image's border, where no tumour can be: check how they were exported.",
    "mask-outside": "{masks} are partly outside the head: they look shifted or turned, or belong to other images.",
    "mask-large": "{masks} cover more than half of the head: check whether they mark the brain instead of the tumour.",
    "mask-exchanged": "{masks} contain shades of grey, and their images only a few values: images and masks seem to be "
    "exchanged.",
}


@dataclass(frozen=True)
class MaskFit:
    """How well a mask fits its image.

    Attributes:
        marked: Fraction of the image that is marked.
        border: Fraction of the image's outermost pixels that is marked.
        outside: Fraction of the marked pixels that is outside the head.
        head: Fraction of the head that is marked.
        flat: Whether the image has only a few values and the mask has many.
        gains: How much more it stands out when it is moved; see `mask_alignment`.
    """

    marked: float
    border: float
    outside: float
    head: float
    flat: bool
    gains: Mapping[str, float] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of finding about the mask, "" if the mask is plausible."""
        if self.flat:
            return "mask-exchanged"
        if self.border >= AROUND and self.marked > MOST:
            return "mask-inverted"
        if self.border > EDGE:
            return "mask-border"
        if self.outside > OUT:
            return "mask-outside"
        return "mask-large" if self.head > MOST else ""


def measure_fit(pixels: np.ndarray, marked: np.ndarray, shades: np.ndarray) -> MaskFit:
    """Measure how well a mask fits its image.

    Args:
        pixels: (H, W, 3) uint8, the image.
        marked: (H, W) bool, True where the mask is not background.
        shades: (H, W) the mask's values as stored.
    """
    step = max(1, max(marked.shape) // SIDE)
    grey, coarse = pixels[::step, ::step].max(axis=2), marked[::step, ::step]
    inside = silhouette(grey)
    both, count, head = (float(np.count_nonzero(each)) for each in (coarse & inside, coarse, inside))
    ring = np.concatenate([marked[0], marked[-1], marked[:, 0], marked[:, -1]])
    return MaskFit(
        marked=float(marked.mean()),
        border=float(ring.mean()),
        outside=1 - both / count if count else 0.0,
        head=both / head if head else 0.0,
        flat=is_flat(pixels) and len(np.unique(shades)) > 20 and not _two_levels(shades),
        gains=gains(pixels, marked) if marked.any() and not marked.all() else {},
    )


def silhouette(grey: np.ndarray) -> np.ndarray:
    """Return the head and everything inside it, (H, W) bool: pixels with a bright pixel on all four sides.

    Args:
        grey: (H, W) uint8.
    """
    bright: np.ndarray = grey > HEAD * np.percentile(grey, 99)
    if not bright.any():
        return bright
    filled: np.ndarray = np.ones_like(bright)
    for axis in (0, 1):
        before = np.logical_or.accumulate(bright, axis=axis)
        after = np.flip(np.logical_or.accumulate(np.flip(bright, axis), axis=axis), axis)
        filled &= before & after
    return filled


def _two_levels(shades: np.ndarray) -> bool:
    if shades.dtype != np.uint16 or shades.max() > 255:
        return False
    return is_flat(np.repeat(shades.astype(np.uint8)[..., None], 3, axis=2))


def mask_findings(fits: Iterable[tuple[str, MaskFit]], total: int) -> list[Finding]:
    """Return one finding for each way in which masks look wrong, with the paths of the masks.

    Args:
        fits: The path of each mask, and how well it fits its image.
        total: Number of masks.
    """
    kinds: dict[str, dict[str, None]] = {kind: {} for kind in _KINDS}
    right: dict[str, Mapping[str, float]] = {}
    for path, fit in fits:
        if fit.kind:
            kinds[fit.kind][path] = None
        if fit.kind in ("", "mask-outside"):
            right[path] = fit.gains
    found = [
        Finding(kind, _KINDS[kind].format(masks=f"{len(files)} of {total} masks"), tuple(files))
        for kind, files in kinds.items()
        if files
    ]
    how, moved = moved_masks(right)
    if moved:
        move = f"if they are moved {how}" if how.endswith(_SIDES) else f"if they are turned {how}"
        where = move if how else "elsewhere on their images"
        message = (
            f"{len(moved)} of {total} masks mark regions that stand out more {where}: they look shifted or mirrored, "
            "or belong to other images, so compare them with their images."
        )
        found.append(Finding("mask-moved", message, tuple(moved)))
    return found

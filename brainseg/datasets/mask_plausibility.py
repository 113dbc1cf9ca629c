"""Whether a mask can belong to its image: what covers the border, most of the head, or the background cannot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from brainseg.datasets.findings import Finding
from brainseg.datasets.mask_alignment import gains, moved_masks
from brainseg.datasets.mask_detection import is_flat

SIDE = 128
"""Images are looked at in steps, so that their longer side has about so many pixels."""
HEAD = 0.1
"""What is brighter than this part of an image's 99th percentile belongs to the head, and so does what lies within."""
MOST = 0.5
"""Part of the picture or of the head from which "most" is said; tumours of TCGA-LGG cover up to 0.26 of the head."""
OUT = 0.1
"""Part of a mask that may lie outside the head; on TCGA-LGG nothing does."""
EDGE = 0.1
"""Part of the picture's border that a mask may cover; on TCGA-LGG none covers any. An inverted mask covers `AROUND`."""
AROUND = 0.9

_SIDES = ("up", "down", "left", "right")

_KINDS = {
    "mask-inverted": "{masks} mark most of the image with its border: they look inverted, so check that 0 is the "
    "background.",
    "mask-border": "{masks} cover much of the image's border, where no tumour is: check how they were exported.",
    "mask-outside": "{masks} lie in part outside the head: they look shifted, turned or of another image.",
    "mask-large": "{masks} cover more than half of the head: check whether they mark the brain and not the tumour.",
    "mask-exchanged": "{masks} hold shades of grey and their images a few values only: both look exchanged.",
}


@dataclass(frozen=True)
class MaskFit:
    """What a mask looks like on its image.

    Attributes:
        marked: Fraction of the image that is marked.
        border: Fraction of the image's outermost pixels that is marked.
        outside: Part of what is marked that lies outside the head.
        head: Part of the head that is marked.
        flat: The image holds a few values only, and the mask does not.
        gains: By how much more it stands out when it is moved; see `mask_alignment`.
    """

    marked: float
    border: float
    outside: float
    head: float
    flat: bool
    gains: Mapping[str, float] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        """The kind of finding that this is, "" for a mask that can be right."""
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
    """Measure a mask on its image.

    Args:
        pixels: (H, W, 3) uint8, the image.
        marked: (H, W) bool, what is not background.
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
    """Return the head and all that it encloses, (H, W) bool: what has something bright on all four sides.

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


def mask_findings(looks: Iterable[tuple[str, MaskFit]], total: int) -> list[Finding]:
    """Return one finding for each way in which masks look wrong, with the masks by name.

    Args:
        looks: The path of each mask, and what it looks like.
        total: Number of masks.
    """
    kinds: dict[str, dict[str, None]] = {kind: {} for kind in _KINDS}
    right: dict[str, Mapping[str, float]] = {}
    for path, look in looks:
        if look.kind:
            kinds[look.kind][path] = None
        if look.kind in ("", "mask-outside"):
            right[path] = look.gains
    found = [
        Finding(kind, _KINDS[kind].format(masks=f"{len(files)} of {total} masks"), tuple(files))
        for kind, files in kinds.items()
        if files
    ]
    how, moved = moved_masks(right)
    if moved:
        told = f"if they are moved {how}" if how.endswith(_SIDES) else f"if they are turned {how}"
        said = told if how else "elsewhere on their images"
        message = (
            f"What {len(moved)} of {total} masks mark stands out more {said}: they look shifted, mirrored or of "
            "another image, so look at them beside their images."
        )
        found.append(Finding("mask-moved", message, tuple(moved)))
    return found

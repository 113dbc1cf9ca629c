"""Whether two images that share landmarks show the same: the second is laid on the first, and pixels are compared."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from brainseg.datasets.near_detail import detail, tile_likeness
from brainseg.datasets.near_landmarks import Candidate

_SMALLEST, _LARGEST = 0.7, 1.43
"""Scales of one copy against the other: a crop of a tenth of each side is enlarged by a quarter."""

_LONGEST = 1.42
"""Most that one axis is enlarged more than the other."""

_SHORT = 0.08
"""Two landmarks that are closer than this, in sides of the image, say nothing about the scale along that axis."""

_AGREEING = 3
"""Fewest landmarks that agree on a scale and a shift: two do so by themselves."""

_CLOSE = 0.035
"""A landmark fits if it is this close to its place, in sides of the image."""

_TILTED = 0.08
"""Largest rotation or shear that the fine alignment may add, as the sine of the angle."""

_COVERED = 0.5
"""Least proportion of either image that the other must cover."""

_TEXT = 0.06
"""Proportion of pixels that may differ: text on one of the images, in thumbnails with its blurred surroundings."""

_STEPS = cv2.TermCriteria_COUNT + cv2.TermCriteria_EPS, 30, 1e-4

_PROMISING, _SOME_DETAIL = 0.92, 0.45
"""Least correlation of shapes at half the size, and of detail, where the landmarks place the images. Of 1,218 planted
copies that were found, 99 % are above 0.94 and 0.6, and most other pairs below: they need no fine alignment, which
takes most of the time."""


@dataclass(frozen=True)
class Likeness:
    """How much one image resembles the other after alignment.

    Attributes:
        coarse: Correlation of the blurred images in their common part, without the pixels that differ most.
        all_coarse: Correlation of all pixels of the blurred images in their common part.
        detail: Correlation of detail, without the tiles that differ most; see `near_detail.tile_likeness`.
        quartile: Lower quartile of the correlations of detail in tiles.
        all_detail: Correlation of all detail.
    """

    coarse: float
    all_coarse: float
    detail: float
    quartile: float
    all_detail: float


def likeness(first: np.ndarray, second: np.ndarray, found: Candidate) -> Likeness | None:
    """Lay one thumbnail on another, and return how much they resemble each other; None if they do not fit.

    Args:
        first: (SIDE, SIDE) uint8.
        second: (SIDE, SIDE) uint8, already turned.
        found: Landmarks that both share.
    """
    start = place_on(found.ours, found.theirs)
    if start is None:
        return None
    still, moving = first.astype(np.float32), second.astype(np.float32)
    map_ = _refined(still, moving, _matrix(*start, len(first)))
    if map_ is None:
        return None
    laid = _laid(moving, map_, cv2.INTER_CUBIC)
    inside = _laid(np.ones_like(moving), map_, cv2.INTER_LINEAR) > 0.99
    part = float(inside.mean())
    if min(part, part * abs(float(np.linalg.det(map_[:, :2])))) < _COVERED:
        return None
    # Filters at the rim of the common part mix in pixels from outside it.
    inner = cv2.erode(inside.astype(np.uint8), np.ones((5, 5), np.uint8), borderValue=1) > 0
    ours, theirs = detail(still), detail(laid)
    shapes = [cv2.GaussianBlur(image, (0, 0), 1)[inside] for image in (still, laid)]
    return Likeness(
        _robust(*shapes),
        _correlation(*shapes),
        *tile_likeness(ours, theirs, inner),
        _correlation(ours[inner], theirs[inner]),
    )


def place_on(ours: np.ndarray, theirs: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the scale and shift per axis, (2,) each, that most landmarks agree on; None if fewer than `_AGREEING` do.

    Each pair of landmarks suggests a scale and a shift; the suggestion that fits most landmarks wins, and is fitted to
    these by least squares. `theirs` is then about `scale * ours + shift`.

    Args:
        ours: (K, 2) places in the first image, from its middle, in sides.
        theirs: (K, 2) places of the same landmarks in the second one.
    """
    if len(ours) < _AGREEING:
        return None
    one, two = _each_two(len(ours))
    apart, there = ours[two] - ours[one], theirs[two] - theirs[one]
    long = np.abs(apart) > _SHORT
    scales = np.divide(there, apart, out=np.ones_like(apart), where=long)
    scales = np.where(long, scales, scales[:, ::-1])  # an axis that says nothing takes the other one's scale
    fits = long.any(axis=1) & ((scales > _SMALLEST) & (scales < _LARGEST)).all(axis=1)
    fits &= scales.max(axis=1, initial=0) < _LONGEST * scales.min(axis=1, initial=np.inf)
    if not fits.any():
        return None
    scales, shifts = scales[fits], theirs[one[fits]] - scales[fits] * ours[one[fits]]
    away = np.abs(theirs - scales[:, None] * ours - shifts[:, None]).max(axis=2)
    best = int((away < _CLOSE).sum(axis=1).argmax())
    agree = away[best] < _CLOSE
    if agree.sum() < _AGREEING:
        return None
    scale, shift = scales[best].copy(), shifts[best].copy()
    for axis in (0, 1):
        if ours[agree, axis].std() > _SHORT:
            slope, constant = _line(ours[agree, axis], theirs[agree, axis])
            if _SMALLEST < slope < _LARGEST:
                scale[axis], shift[axis] = slope, constant
    return scale, shift


def _line(across: np.ndarray, up: np.ndarray) -> tuple[float, float]:
    """Return slope and constant of the line through points, (K,) each, by least squares."""
    middle, height = across.mean(), up.mean()
    slope = float((across - middle) @ (up - height) / ((across - middle) @ (across - middle)))
    return slope, float(height - slope * middle)


@lru_cache
def _each_two(count: int) -> tuple[np.ndarray, np.ndarray]:
    one, two = np.triu_indices(count, 1)
    return one, two


def _matrix(scale: np.ndarray, shift: np.ndarray, side: int) -> np.ndarray:
    """Return OpenCV's (2, 3) float32 matrix from pixels of the first image to pixels of the second."""
    constant = side * shift + (1 - scale) * (side - 1) / 2
    return np.array([[scale[0], 0, constant[0]], [0, scale[1], constant[1]]], dtype=np.float32)


def _refined(still: np.ndarray, moving: np.ndarray, start: np.ndarray) -> np.ndarray | None:
    """Align finely with OpenCV's ECC (Evangelidis and Psarakis, 2008), first at half the size; None if in vain."""
    ours, theirs = _half(still), _half(moving)
    # The middle of pixel x of the half size is at 2 x + 0.5 of the whole size.
    given = start.copy()
    given[:, 2] = (start[:, 2] + start[:, :2].sum(axis=1) / 2 - 0.5) / 2
    if (fit := _fit(ours, theirs, given)) < _PROMISING:
        return None
    fine = detail(still), detail(moving)
    inside = _laid(np.ones_like(moving), start, cv2.INTER_LINEAR) > 0.99
    if tile_likeness(fine[0], _laid(fine[1], start, cv2.INTER_LINEAR), inside)[0] < _SOME_DETAIL:
        return None
    try:
        shapes = _ecc(ours, theirs, given.copy(), 1)
        # Text on one of the images may pull this alignment away; then the landmarks alone are better.
        found = shapes if _fit(ours, theirs, shapes) > fit else given
        found[:, 2] = 2 * found[:, 2] + 0.5 - found[:, :2].sum(axis=1) / 2
        # Strong edges are clipped in the detail, so text hardly pulls the alignment here.
        found = _ecc(*fine, found, 3)
    except cv2.error:  # it does not converge if the images have nothing in common
        return None
    scales, straight = found.diagonal()[:2], np.abs([found[0, 1], found[1, 0]]).max() < _TILTED
    return found if straight and ((scales > _SMALLEST) & (scales < _LARGEST)).all() else None


def _half(image: np.ndarray) -> np.ndarray:
    half: np.ndarray = cv2.resize(
        cv2.GaussianBlur(image, (0, 0), 1), None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA
    )
    return half


def _ecc(still: np.ndarray, moving: np.ndarray, start: np.ndarray, blur: int) -> np.ndarray:
    everywhere = np.ones(moving.shape, dtype=np.uint8)
    return np.asarray(cv2.findTransformECC(still, moving, start, cv2.MOTION_AFFINE, _STEPS, everywhere, blur)[1])


def _fit(still: np.ndarray, moving: np.ndarray, map_: np.ndarray) -> float:
    """Return the correlation of the part that both images show, -1 if there is none."""
    inside = _laid(np.ones_like(moving), map_, cv2.INTER_LINEAR) > 0.99
    return _robust(still[inside], _laid(moving, map_, cv2.INTER_LINEAR)[inside]) if inside.any() else -1.0


def _laid(image: np.ndarray, map_: np.ndarray, method: int) -> np.ndarray:
    """Return an image laid on another one of its size; beyond its rim, it is 0."""
    laid: np.ndarray = cv2.warpAffine(image, map_, image.shape, flags=method | cv2.WARP_INVERSE_MAP)
    return laid


def _robust(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the correlation without the pixels that differ most, such as text on one of the images."""
    most = int((1 - _TEXT) * len(ours))
    kept: slice | np.ndarray = slice(None)
    some, others = ours, theirs
    for _ in range(2):
        mine, other = ours - some.mean(), theirs - others.mean()
        some, others = mine[kept], other[kept]
        differing = np.abs(other - mine * float(some @ others / max(some @ some, 1e-6)))
        kept = differing <= np.partition(differing, most)[most]
        some, others = ours[kept], theirs[kept]
    return _correlation(some, others)


def _correlation(ours: np.ndarray, theirs: np.ndarray) -> float:
    ours, theirs = ours - ours.mean(), theirs - theirs.mean()
    return float(ours @ theirs / np.sqrt(max(float(ours @ ours) * float(theirs @ theirs), 1e-9)))

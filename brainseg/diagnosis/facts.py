"""Facts of an image, quick to compute, that distinguish a brain MRI slice from other images, whatever the model.

A slice is grey, and dark around one bright, roughly elliptic region with many levels of grey. No single fact is
certain: a slice may fill its image, or be cropped. So each unusual fact counts 1 point, or 2 if it is very unusual, and
an image with at least `ENOUGH` points is not like a slice. The limits were chosen on real slices from several sources
and on drawings, charts, text, photographs and planets; `benchmarks/guard.py` measures them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from brainseg.diagnosis.head import head_facts

SIDE = 128
"""Longer side, in pixels, of the reduced image on which facts are measured; finer detail does not matter here."""
ENOUGH = 3
"""Points at which an image counts as unlike a brain MRI slice."""
COLOURED = 40
"""A pixel is coloured if its channels differ by more than this many of 255 levels."""
HEAD = 0.15
"""Fraction of the brightest level above which a pixel may belong to the head."""
PAPER = 235
"""Lowest level of grey of white paper, which may form the margin of an image but is not part of a slice."""


@dataclass(frozen=True)
class Limits:
    """Limits of a fact: a value beyond an inner limit counts 1 point, beyond an outer limit 2 points.

    Attributes:
        low: (inner, outer) lower limits; None if small values are fine.
        high: (inner, outer) upper limits; None if large values are fine.
        reason: What is unusual, as part of a sentence.
        group: The facts of one group count at most 2 points together.
    """

    low: tuple[float, float] | None
    high: tuple[float, float] | None
    reason: str
    group: str

    def points(self, value: float) -> int:
        """Return 0, 1 or 2."""
        below = sum(value < limit for limit in self.low or ())
        return max(below, sum(value > limit for limit in self.high or ()))


_EMPTY = "it is almost empty or uniformly bright"
_BACKGROUND = "no head stands out from a dark background"
_SHAPE = "its bright region is not shaped like a head"
_GREYS = "its levels of grey are not those of an MRI slice"
LIMITS = {
    "smaller_side": Limits((64, 32), None, "it has very few pixels", "size"),
    "colour": Limits(None, (0.2, 0.4), "it has colours", "colour"),
    "brightest": Limits((40, 20), None, _EMPTY, "brightest"),
    "deviation": Limits((8, 3), None, _EMPTY, "deviation"),
    "dark": Limits((0.12, 0.05), None, _BACKGROUND, "background"),
    "outside": Limits(None, (0.25, 0.6), _BACKGROUND, "background"),
    "area": Limits((0.2, 0.12), None, "it shows no region as large as a head", "area"),
    "largest": Limits((0.85, 0.5), None, _SHAPE, "largest"),
    "solid": Limits((0.82, 0.7), None, _SHAPE, "solid"),
    "ellipse": Limits((0.86, 0.8), None, _SHAPE, "ellipse"),
    "elongation": Limits(None, (1.6, 1.95), _SHAPE, "elongation"),
    "aspect": Limits((0.6, 0.5), (1.3, 1.45), _SHAPE, "aspect"),
    "flat": Limits(None, (0.2, 0.35), "it has flat areas like a drawing", "flat"),
    "edges": Limits((0.042, 0.034), (0.125, 0.14), "its edges are not those of an MRI slice", "edges"),
    "entropy": Limits((3.5, 3.0), None, _GREYS, "entropy"),
    "middle": Limits((0.62, 0.5), None, _GREYS, "middle"),
    "contrast": Limits((0.34, 0.28), (0.78, 0.9), _GREYS, "contrast"),
    "mean": Limits(None, (0.66, 0.75), _GREYS, "mean"),
    "bright": Limits(None, (0.08, 0.15), _GREYS, "bright"),
    "symmetry": Limits((0.0, -0.5), None, "its left and right halves do not resemble each other", "symmetry"),
    "radial": Limits(None, (0.68, 0.78), "it is shaded like a ball", "radial"),
    "fine": Limits((0.12, 0.08), None, "it lacks the fine structures of a head", "fine"),
    "rough": Limits((0.016, 0.011), None, "its outline is smoother than that of a head", "rough"),
}
"""Fact -> limits; `image_facts` describes the facts."""


def oddities(facts: Mapping[str, float], coloured: float = 0.0) -> tuple[int, tuple[str, ...]]:
    """Count the points of an image, and return the reasons for them.

    Args:
        facts: From `image_facts`.
        coloured: The usual fraction of coloured pixels among a model's training images, which is allowed in addition to
            the general limit.

    Returns:
        The points, and the reasons in descending order of their points.
    """
    groups: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for name, limits in LIMITS.items():
        allowed = coloured if name == "colour" else 0.0
        if name in facts and (found := limits.points(facts[name] - allowed)):
            groups[limits.group] = min(2, groups.get(limits.group, 0) + found)
            reasons[limits.reason] = reasons.get(limits.reason, 0) + found
    return sum(groups.values()), tuple(sorted(reasons, key=lambda reason: -reasons[reason]))


def image_facts(pixels: np.ndarray, small: np.ndarray | None = None) -> dict[str, float]:
    """Measure an image.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        small: What `reduced` returns for it, if that is known already.

    Returns:
        Of the whole image: `smaller_side` (pixels), `colour` (fraction of coloured pixels), `brightest` (99th
        percentile of grey, 0..255) and `deviation` (standard deviation of grey). With levels relative to the brightest:
        `dark` (fraction of dark pixels), `bright` (fraction at the brightest level) and `outside` (median level outside
        the largest bright region). Of that region: `area` (fraction of the image), `largest` (fraction of everything
        bright), `solid` (fraction of its convex hull), `ellipse` (intersection over union of the hull and an ellipse),
        `elongation` (ratio of the ellipse's axes) and `aspect` (width over height). Within its hull: `flat` (fraction
        without any slope), `edges` (mean slope), `entropy` (bits of 32 levels), `middle` (fraction of levels in
        between), `contrast` (standard deviation over mean), `mean`, `symmetry` (correlation with its mirror image) and
        those of `head_facts`. Without a bright region, its facts are missing, and `area` is 0.
    """
    small = reduced(pixels) if small is None else small
    grey = _grey(small)
    brightest = float(np.percentile(grey, 99))
    level = grey / max(brightest, 1.0)
    blurred = cv2.GaussianBlur(level, (5, 5), 0)
    facts = {
        **plain_facts(pixels, small),
        "brightest": brightest,
        "deviation": float(grey.std()),
        "dark": float((blurred < 0.12).mean()),
        "bright": float((blurred > 0.9).mean()),
    }
    opened = cv2.morphologyEx((blurred > HEAD).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(opened)
    if count < 2:
        return facts | {"area": 0.0}
    number = 1 + int(np.argmax(stats[1:, cv2.CC_STAT_AREA]))
    largest = float(stats[number, cv2.CC_STAT_AREA] / stats[1:, cv2.CC_STAT_AREA].sum())
    region = (labels == number).astype(np.uint8)
    hull, shape = _hull(region)
    return facts | {"largest": largest} | shape | _within(level, hull) | head_facts(level, region, hull)


def plain_facts(pixels: np.ndarray, small: np.ndarray | None = None) -> dict[str, float]:
    """Return the facts that need no look at what an image shows: `smaller_side` and `colour`, as `image_facts` does."""
    small = reduced(pixels) if small is None else small
    lowest, highest = (cv2.reduce(small.reshape(-1, 3), 1, kind) for kind in (cv2.REDUCE_MIN, cv2.REDUCE_MAX))
    return {
        "smaller_side": float(min(pixels.shape[:2])),
        "colour": float((cv2.subtract(highest, lowest) > COLOURED).mean()),
    }


def levels_of(small: np.ndarray) -> np.ndarray:
    """Return the grey of an (h, w, 3) uint8 image from `reduced` relative to its 99th percentile, (h, w) float32."""
    grey = _grey(small)
    levels: np.ndarray = grey / max(float(np.percentile(grey, 99)), 1.0)
    return levels


def reduced(pixels: np.ndarray) -> np.ndarray:
    """Return an (H, W, 3) uint8 image without white margins, at most `SIDE` pixels high and wide, (h, w, 3) uint8."""
    height, width = pixels.shape[:2]
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return _without_paper(small)


def _grey(small: np.ndarray) -> np.ndarray:
    return cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)


def _without_paper(small: np.ndarray) -> np.ndarray:
    """Cut off the white margin of an (h, w, 3) uint8 image, as on slices copied from a page."""
    white = small.min(axis=2) >= PAPER
    rows, columns = (np.flatnonzero(white.mean(axis=axis) < 0.97) for axis in (1, 0))
    if not len(rows) or not len(columns):
        return small
    # The line next to a margin mixes paper and slice.
    top, left = (line[0] + (line[0] > 0) for line in (rows, columns))
    bottom, right = (
        line[-1] + (line[-1] == length - 1) for line, length in zip((rows, columns), white.shape, strict=True)
    )
    if min(bottom - top, right - left) < 0.4 * SIDE:
        return small
    return np.ascontiguousarray(small[top:bottom, left:right])


def _hull(region: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    """Return the convex hull of a region, (h, w) bool, and the region's shape."""
    outlines, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea)
    filled, hull = np.zeros_like(region), np.zeros_like(region)
    cv2.drawContours(filled, [outline], -1, 1, -1)
    cv2.fillPoly(hull, [cv2.convexHull(outline)], 1)
    _, _, width, height = cv2.boundingRect(outline)
    moments = cv2.moments(filled, binaryImage=True)
    mass = moments["m00"]
    row_row, column_column, both = (moments[name] / mass for name in ("mu02", "mu20", "mu11"))
    axes = np.linalg.eigvalsh([[column_column, both], [both, row_row]]).clip(1e-3)
    # The variances of a uniform ellipse are its squared semi-axes divided by 4.
    down = np.arange(region.shape[0], dtype=np.float32)[:, None] - np.float32(moments["m01"] / mass)
    across = np.arange(region.shape[1], dtype=np.float32)[None] - np.float32(moments["m10"] / mass)
    determinant = max(row_row * column_column - both * both, 1e-6)
    ellipse = (row_row * across**2 - 2 * both * across * down + column_column * down**2) / determinant < 4
    inside = hull > 0
    return inside, {
        "area": float(filled.mean()),
        "solid": float(filled.sum() / max(int(inside.sum()), 1)),
        "ellipse": float((ellipse & inside).sum() / (ellipse | inside).sum()),
        "elongation": float(np.sqrt(axes[1] / axes[0])),
        "aspect": width / height,
    }


def _within(level: np.ndarray, hull: np.ndarray) -> dict[str, float]:
    """Describe the levels inside and outside a hull."""
    values = level[hull]
    mean = float(values.mean())
    slope = cv2.magnitude(cv2.Sobel(level, cv2.CV_32F, 1, 0), cv2.Sobel(level, cv2.CV_32F, 0, 1)) / 8
    inner = cv2.erode(hull.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    slopes = slope[inner] if inner.any() else np.zeros(1, np.float32)
    fractions = np.histogram(values, 32, (0, 1.0001))[0] / values.size
    fractions = fractions[fractions > 0]
    return {
        "outside": 1.0 if hull.all() else float(np.median(level[~hull])),
        "flat": float((slopes < 0.004).mean()),
        "edges": float(slopes.mean()),
        "entropy": float(-(fractions * np.log2(fractions)).sum()),
        "middle": float(((values > HEAD) & (values < 0.85)).mean()),
        "contrast": float(values.std() / max(mean, 1e-3)),
        "mean": mean,
        "symmetry": _symmetry(level, hull),
    }


def _symmetry(level: np.ndarray, hull: np.ndarray) -> float:
    """Return the highest correlation of a region with its mirror image, shifted by up to 3 of 48 pixels."""
    rows, columns = np.flatnonzero(hull.any(axis=1)), np.flatnonzero(hull.any(axis=0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    part = cv2.resize(np.where(hull, level, 0)[box], (48, 48), interpolation=cv2.INTER_AREA)
    part = cv2.GaussianBlur(part, (0, 0), 1.5)
    inside = cv2.resize(hull[box].astype(np.float32), (48, 48)) > 0.5
    best = -1.0
    for shift in (-3, -1, 0, 1, 3):
        mirrored, common = np.roll(part[:, ::-1], shift, 1), inside & np.roll(inside[:, ::-1], shift, 1)
        one, other = part[common], mirrored[common]
        if len(one) > 50 and min(one.std(), other.std()) > 0.005:
            best = max(best, float(np.corrcoef(one, other)[0, 1]))
    return best

"""How far a classifier's heatmap on a corrupted image ranks the image's parts as it does on the untouched one."""

from __future__ import annotations

import cv2
import numpy as np
import scipy

from brainseg.diagnosis.predictor import Predictor
from brainseg.preparation import Geometry
from brainseg.robustness.answers import Case
from brainseg.robustness.corruptions import UNTOUCHED, Condition
from brainseg.scans import Scan

SIDE = 64
"""Side of the grid on which two maps are compared: a map has no finer detail, and neighbouring pixels repeat it."""
SLOW = ("score-cam",)
"""Methods that take up to minutes for each image."""


class HeatmapStability:
    """Compares heatmaps by rank correlation (Spearman 1904, Am. J. Psychol. 15, 72-101).

    Both maps explain the class that the model predicts on the untouched image, by the model's own method and stage. The
    correlation is over the parts of the image that the model saw in either case. If the corruption moves the image, the
    untouched image's map is moved with it, and what came in from outside is left out.

    Args:
        predictor: The classifier.
    """

    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.method, self.stage = predictor.heatmap_choice()
        self.references: dict[int, tuple[str, np.ndarray, np.ndarray]] = {}
        self.correlations: dict[Condition, dict[int, float]] = {}

    @property
    def slow(self) -> bool:
        """Whether the method takes too long for a check."""
        return self.method in SLOW

    def add(self, case: Case) -> None:
        """Draw the heatmap of an image, and compare it with that of the untouched one, which must come first."""
        seen = seen_part(case.geometry)
        if case.condition == UNTOUCHED:
            first = self.predictor.diagnose(_scan(case.pixels))
            self.references[case.row] = first.label, first.heatmap, seen
            return
        label, reference, seen_before = self.references[case.row]
        found = self.predictor.diagnose(_scan(case.pixels), explain=label)
        moved = case.condition.move(reference, case.seed)
        inside = case.condition.move(np.ones_like(reference), case.seed)
        seen = np.maximum(case.condition.move(seen_before, case.seed), seen) * (inside > 0.99)
        self.correlations.setdefault(case.condition, {})[case.row] = correlation(moved, found.heatmap, seen)


def correlation(one: np.ndarray, other: np.ndarray, seen: np.ndarray) -> float:
    """Return the rank correlation of two maps, -1..1; NaN if one of them is the same everywhere, as an empty one.

    Args:
        one: (H, W) float32.
        other: (H, W) float32.
        seen: (H, W) float32, 1 where the maps count and 0 elsewhere.
    """
    small = [cv2.resize(values, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for values in (one, other, seen)]
    counts = small[2] > 0.5
    first, second = small[0][counts], small[1][counts]
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return float("nan")
    return float(scipy.stats.spearmanr(first, second).statistic)


def seen_part(geometry: Geometry) -> np.ndarray:
    """Return (H, W) float32: 1 where the model saw the image, and 0 where it was cropped."""
    top, left, height, width = geometry.box
    seen = np.zeros(geometry.scan, dtype=np.float32)
    seen[top : top + height, left : left + width] = 1
    return seen


def _scan(pixels: np.ndarray) -> Scan:
    """Return pixels as a scan; its name and hash appear nowhere."""
    height, width = pixels.shape[:2]
    return Scan(pixels, "image", "PNG", "RGB", (width, height), "")

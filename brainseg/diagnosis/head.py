"""What distinguishes a head from other round objects on black, such as a planet, a lamp or a fruit.

A head is full of small structures, its outline is not an exact ellipse, and its levels depend on more than the distance
from its centre.
"""

from __future__ import annotations

import cv2
import numpy as np

RINGS = 12
"""Number of rings, from the centre to the outline of an ellipse, over which levels are averaged."""


def head_facts(level: np.ndarray, region: np.ndarray, hull: np.ndarray) -> dict[str, float]:
    """Measure the largest bright region of an image.

    Args:
        level: (h, w) float32, grey relative to the brightest level.
        region: (h, w) uint8, 1 within the region; not empty.
        hull: (h, w) bool, the region's convex hull.

    Returns:
        `fine` (mean change by a slight blur, divided by the standard deviation of levels), `rough` (standard deviation
        of the outline's distance from the centre, where a distance of 1 is the ellipse of the hull's moments) and
        `radial` (fraction of the variance of blurred levels that the distance from the centre explains; 1 for a ball).
    """
    blurred, values = cv2.GaussianBlur(level, (5, 5), 0), level[hull]
    moments = cv2.moments(hull.astype(np.uint8), binaryImage=True)
    mass = moments["m00"]
    covariance = np.array([[moments["mu20"], moments["mu11"]], [moments["mu11"], moments["mu02"]]]) / mass
    # The covariance of a line of pixels is singular; the last term makes it invertible.
    inverse = np.linalg.inv(covariance + 1e-3 * np.eye(2))

    def distance(across: np.ndarray, down: np.ndarray) -> np.ndarray:
        apart = np.stack([across - moments["m10"] / mass, down - moments["m01"] / mass])
        # The variances of a uniform ellipse are its squared semi-axes divided by 4.
        distances: np.ndarray = np.sqrt((apart * (inverse @ apart)).sum(axis=0)) / 2
        return distances

    down, across = np.nonzero(hull)
    rings = (distance(across, down) * RINGS).astype(int).clip(0, RINGS)
    smooth = blurred[hull].astype(np.float64)
    mean = np.bincount(rings, smooth) / np.maximum(np.bincount(rings), 1)
    total = float(((smooth - smooth.mean()) ** 2).sum())
    outlines, _ = cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    outline = max(outlines, key=cv2.contourArea)[:, 0].astype(np.float64)
    return {
        "fine": float(np.abs(values - blurred[hull]).mean() / max(float(values.std()), 1e-3)),
        "rough": float(distance(outline[:, 0], outline[:, 1]).std()),
        "radial": 1 - float(((smooth - mean[rings]) ** 2).sum()) / total if total > 1e-6 else 1.0,
    }

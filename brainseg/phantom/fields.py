"""Scalar fields in millimetres, which the phantom samples at the points of a slice instead of warping whole volumes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from scipy import ndimage

_BANK_SIZE = 96
_BANK_SIGMA = 2.5  # voxels


@dataclass(frozen=True, eq=False)
class Field:
    """A scalar on a regular grid: `values` float32 of shape (x, y, z), `origin` in mm, `step` in mm."""

    values: np.ndarray
    origin: tuple[float, float, float]
    step: float

    def at(self, points: np.ndarray) -> np.ndarray:
        """Return the trilinear value at `points` (..., 3) in mm as float32 (...); outside, the nearest edge value."""
        index = (points.reshape(-1, 3).T - np.array(self.origin, np.float32)[:, None]) / np.float32(self.step)
        out = ndimage.map_coordinates(self.values, index, order=1, mode="nearest", output=np.float32)
        return out.reshape(points.shape[:-1])


@cache
def _bank() -> np.ndarray:
    """Return a cube of periodic Gaussian noise with mean 0 and standard deviation 1; its seed is fixed."""
    noise = np.random.default_rng(152).standard_normal((_BANK_SIZE,) * 3, dtype=np.float32)
    smooth = ndimage.gaussian_filter(noise, _BANK_SIGMA, mode="wrap", truncate=3.0)
    bank: np.ndarray = (smooth - smooth.mean()) / smooth.std()
    return bank.astype(np.float32)


@dataclass(frozen=True, eq=False)
class Noise:
    """A smooth random field over space, consistent between slices.

    One fixed cube of noise is read at a random offset and rotation, which is much faster than a new cube per subject.
    """

    rotation: np.ndarray
    offset: np.ndarray

    @classmethod
    def draw(cls, rng: np.random.Generator) -> Noise:
        """Draw a field."""
        rotation, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        return cls(rotation.astype(np.float32), rng.uniform(0, _BANK_SIZE, 3).astype(np.float32))

    @classmethod
    def draw_three(cls, rng: np.random.Generator) -> tuple[Noise, Noise, Noise]:
        """Draw three fields, one after the other."""
        return cls.draw(rng), cls.draw(rng), cls.draw(rng)

    def at(self, points: np.ndarray, scale: float) -> np.ndarray:
        """Return float32 values (mean 0, standard deviation 1) at `points` (..., 3); `scale` is the blur's sigma."""
        index = (points.reshape(-1, 3) @ self.rotation.T) * np.float32(_BANK_SIGMA / scale) + self.offset
        out = ndimage.map_coordinates(_bank(), index.T, order=1, mode="grid-wrap", output=np.float32)
        return out.reshape(points.shape[:-1])

    def where(self, mask: np.ndarray, points: np.ndarray, scale: float) -> np.ndarray:
        """Return `at` for the `points` (n, 3) in `mask` (n,) and 0 for the others, which take no time."""
        out = np.zeros(len(points), np.float32)
        out[mask] = self.at(points[mask], scale)
        return out


def length(vectors: np.ndarray) -> np.ndarray:
    """Return the Euclidean length of vectors (..., 3); several times faster than a sum over such a short axis."""
    lengths: np.ndarray = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))
    return lengths


def inside(distance: np.ndarray, edge: float = 1.0) -> np.ndarray:
    """Return the fraction of a pixel inside a surface, from its signed distance (negative inside) and an edge width."""
    return np.clip(0.5 - distance / np.float32(edge), 0, 1).astype(np.float32)


def smoothstep(values: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return 0 below `low`, 1 above `high`, and a smooth cubic between."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return (t * t * (3 - 2 * t)).astype(np.float32)


def upsample(coarse: np.ndarray, size: int) -> np.ndarray:
    """Enlarge a smooth square map (n, n) or (n, n, k) to (size, size[, k]) with cubic interpolation."""
    return cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC)

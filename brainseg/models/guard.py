"""What a bundle stores about its training images, to tell whether another image is like them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, Field
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from brainseg.errors import BundleError
from brainseg.files import sha256_file, write_atomically

GUARD = "guard.safetensors"
MEAN, SCALE, AXES, VARIANCES = "mean", "scale", "axes", "spreads"
"""Names of the tensors in the file; the last keeps the name that stored bundles have."""


class GuardDescription(BaseModel):
    """What `bundle.json` says about the guard.

    Attributes:
        sha256: Of `guard.safetensors`.
        limit: A distance that nearly all validation images stay below.
        brain_like: Whether the training images look like slices of a brain MRI by `diagnosis.facts`; where they do not,
            those facts say nothing about other images.
        coloured: The fraction of coloured pixels that is usual among the training images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    sha256: str
    limit: float = Field(gt=0)
    brain_like: bool
    coloured: float = Field(ge=0, le=1)


@dataclass(frozen=True, eq=False)
class Features:
    """The distribution of a network's pooled features over its training images.

    A Gaussian whose covariance is known along the `axes` and the same in all other directions (the shrunk covariance of
    Ledoit and Wolf 2004, cut to its largest directions).

    Attributes:
        mean: (F,) float32.
        scale: (F,) float32, what each feature is divided by.
        axes: (K, F) float32, orthonormal directions of scaled features.
        variances: (K + 1,) float32, the variance along each axis, then that in all other directions.
    """

    mean: np.ndarray
    scale: np.ndarray
    axes: np.ndarray
    variances: np.ndarray

    def distance(self, features: np.ndarray) -> np.ndarray:
        """Return how far features lie from those of the training images, in standard deviations (Mahalanobis).

        Args:
            features: (N, F) float.

        Returns:
            (N,) float64.
        """
        scaled = (np.asarray(features, np.float64) - self.mean) / self.scale
        along = scaled @ self.axes.T.astype(np.float64)
        rest = np.maximum((scaled**2).sum(axis=1) - (along**2).sum(axis=1), 0)
        distances: np.ndarray = np.sqrt((along**2 / self.variances[:-1]).sum(axis=1) + rest / self.variances[-1])
        return distances

    def save(self, folder: Path) -> str:
        """Write `guard.safetensors`, and return its SHA-256."""
        tensors = {MEAN: self.mean, SCALE: self.scale, AXES: self.axes, VARIANCES: self.variances}
        tensors = {name: np.ascontiguousarray(values, np.float32) for name, values in tensors.items()}
        write_atomically(folder / GUARD, lambda temporary: save_file(tensors, temporary))
        return sha256_file(folder / GUARD)


@dataclass(frozen=True, eq=False)
class Guard:
    """A bundle's guard: `Features`, and the values of `GuardDescription`."""

    features: Features
    limit: float
    brain_like: bool
    coloured: float

    def save(self, folder: Path) -> GuardDescription:
        """Write the features, and return what goes into `bundle.json`."""
        sha256 = self.features.save(folder)
        return GuardDescription(sha256=sha256, limit=self.limit, brain_like=self.brain_like, coloured=self.coloured)


def load_guard(folder: Path, description: GuardDescription, width: int) -> Guard:
    """Load the guard of a bundle.

    Args:
        folder: The bundle's.
        description: The guard's part of its `bundle.json`.
        width: How many pooled features the bundle's network has.

    Raises:
        BundleError: Its file is missing, was changed, is damaged or does not fit the network.
    """
    file = folder / GUARD
    if not file.is_file() or file.is_symlink():
        raise BundleError(f"{folder} has no {GUARD}: choose another run or train again.")
    if sha256_file(file) != description.sha256:
        raise BundleError(f"{file} was changed or damaged, so the bundle is not used: train it again.")
    try:
        tensors = load_file(file)
        features = Features(*(tensors[name] for name in (MEAN, SCALE, AXES, VARIANCES)))
        fits = features.mean.shape == features.scale.shape == (width,) and bool(features.scale.all())
        fits = fits and features.axes.shape == (len(features.variances) - 1, width)
    except (SafetensorError, KeyError, ValueError, IndexError) as error:
        raise BundleError(f"{file} is damaged: train it again.") from error
    if not fits or not all(np.isfinite(values).all() for values in tensors.values()) or (features.variances <= 0).any():
        raise BundleError(f"{file} is damaged: train it again.")
    return Guard(features, description.limit, description.brain_like, description.coloured)

"""A bundle's guard: statistics of its training images, to check whether another image resembles them."""

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
"""Names of the tensors in the file, as stored bundles have them."""


class GuardDescription(BaseModel):
    """The description of the guard in `bundle.json`.

    Attributes:
        sha256: SHA-256 of `guard.safetensors`.
        limit: A distance that nearly all validation images stay below.
        brain_like: Whether the training images look like brain MRI slices by `diagnosis.facts`. If not, these facts are
            not used for other images.
        coloured: The usual fraction of coloured pixels in the training images.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    sha256: str
    limit: float = Field(gt=0)
    brain_like: bool
    coloured: float = Field(ge=0, le=1)


def feature_scale(features: np.ndarray) -> np.ndarray:
    """Return the divisor of each of (N, F) features, (F,): its standard deviation, but never nearly 0.

    Otherwise, a feature that hardly varies over the training images would count more than all others together.
    """
    deviation = features.std(axis=0)
    scale: np.ndarray = deviation + 0.02 * deviation.mean() + 1e-6
    return scale


@dataclass(frozen=True, eq=False)
class Features:
    """The distribution of a network's pooled features over its training images.

    A Gaussian with a known variance along each of the `axes`, and one variance for all other directions (the shrunk
    covariance of Ledoit and Wolf 2004, reduced to its largest directions).

    Attributes:
        mean: (F,) float32.
        scale: (F,) float32, the divisor of each feature.
        axes: (K, F) float32, orthonormal directions of scaled features.
        variances: (K + 1,) float32, the variance along each axis, then that in all other directions.
    """

    mean: np.ndarray
    scale: np.ndarray
    axes: np.ndarray
    variances: np.ndarray

    def distance(self, features: np.ndarray) -> np.ndarray:
        """Return the Mahalanobis distance of features from those of the training images, in standard deviations.

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
        folder: The folder of the bundle.
        description: The description of the guard in `bundle.json`.
        width: Number of pooled features of the bundle's network.

    Raises:
        BundleError: The guard's file is missing, changed or damaged, or does not fit the network.
    """
    file = folder / GUARD
    if not file.is_file() or file.is_symlink():
        raise BundleError(f"{folder} has no {GUARD}: choose another run or train again.")
    if sha256_file(file) != description.sha256:
        raise BundleError(f"{file} was changed or damaged, so the bundle cannot be used: train the model again.")
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

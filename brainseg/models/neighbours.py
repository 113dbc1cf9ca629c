"""The features of a run's training images, to find those that a network sees as most similar to another image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from brainseg.files import write_atomically
from brainseg.models.guard import feature_scale

NEIGHBOURS = "neighbours.safetensors"
_TENSORS = ("mean", "scale", "directions", "rows")


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The training images in a network's feature space; only the direction from their mean counts.

    Attributes:
        mean: (F,) float32, of the pooled features over the training images.
        scale: (F,) float32, the divisor of each feature.
        directions: (N, F) float16, the scaled features of each image, with length 1.
        rows: (N,) int64, the row of each image in the run's split.
    """

    mean: np.ndarray
    scale: np.ndarray
    directions: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, features: np.ndarray, rows: np.ndarray) -> Neighbours:
        """Return the neighbours for the pooled features, (N, F), of two or more images in certain rows of the split."""
        mean, scale = features.mean(axis=0), feature_scale(features)
        directions = _directions(features, mean, scale).astype(np.float16)
        return cls(mean.astype(np.float32), scale.astype(np.float32), directions, rows.astype(np.int64))

    def nearest(self, features: np.ndarray, count: int) -> list[tuple[int, float]]:
        """Return the most similar training images.

        Args:
            features: (F,) float, the pooled features of an image.
            count: Most images to return.

        Returns:
            (row in the split, similarity) by image, most similar first. The similarity is the cosine of the angle
            between the two directions: 1 for the same image, about 0 for an unrelated one.

        Raises:
            ValueError: The number of features is another one.
        """
        if features.shape != self.mean.shape:
            raise ValueError(f"features must have the shape {self.mean.shape}, got {features.shape}.")
        similarities = self.directions.astype(np.float32) @ _directions(features[None], self.mean, self.scale)[0]
        order = np.argsort(-similarities, kind="stable")[:count]
        return [(int(self.rows[place]), float(similarities[place])) for place in order]

    def save(self, folder: Path) -> None:
        """Write `neighbours.safetensors`."""
        tensors = {name: np.ascontiguousarray(getattr(self, name)) for name in _TENSORS}
        write_atomically(folder / NEIGHBOURS, lambda temporary: save_file(tensors, temporary))


def load_neighbours(file: Path) -> Neighbours:
    """Read `neighbours.safetensors`.

    Raises:
        ValueError: The file is damaged, or its parts do not fit together.
    """
    try:
        tensors = load_file(file)
        found = Neighbours(*(tensors[name] for name in _TENSORS))
    except (SafetensorError, KeyError) as error:
        raise ValueError(f"{file} holds no neighbours") from error
    width = len(found.mean)
    fits = found.scale.shape == (width,) and found.directions.shape == (len(found.rows), width)
    if not fits or not all(np.isfinite(tensors[name]).all() for name in _TENSORS):
        raise ValueError(f"{file} holds parts that do not fit together")
    return found


def _directions(features: np.ndarray, mean: np.ndarray, scale: np.ndarray) -> np.ndarray:
    scaled = (np.asarray(features, np.float64) - mean) / scale
    directions: np.ndarray = scaled / np.maximum(np.linalg.norm(scaled, axis=1, keepdims=True), 1e-12)
    return directions

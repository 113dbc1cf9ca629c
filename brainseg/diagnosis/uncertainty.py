"""How much an answer changes with slight changes of the image, and with parts of the network left out.

Both need no further training. Neither touches the model, so any number of threads may share it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import nn

from brainseg.models.architectures import Classifier
from brainseg.models.calibration import temperature_of
from brainseg.models.inputs import normalise, to_batch
from brainseg.scans import Scan

if TYPE_CHECKING:
    from brainseg.diagnosis.predictor import Predictor

TURN, SHIFT = 7.0, 0.04
"""Degrees by which a view is turned, and fraction of the side by which it is shifted."""
VIEWS = (
    "as it is",
    "mirrored",
    "turned left",
    "turned right",
    "mirrored and turned",
    "shifted up",
    "shifted down",
)
"""The views of an image whose answers are compared (test-time augmentation; Wang et al. 2019, Neurocomputing 338)."""
PASSES = 30
"""Passes with dropout (Gal and Ghahramani 2016, "Dropout as a Bayesian approximation", ICML)."""
DROPOUTS = (nn.Dropout, nn.Dropout2d)
"""Layers that leave out units: numbers of a list of features, or whole channels of a map."""
SEED = 0
"""Seed of the units that are left out, so the same image always gives the same numbers."""


@dataclass(frozen=True, eq=False)
class Uncertainty:
    """How uncertain an answer is.

    Attributes:
        classes: Class names, in the order of the columns.
        views: (V, C) float64, the probabilities of each of `VIEWS`; the first is the answer itself.
        passes: (P, C) float64, the probabilities of each pass with dropout; None for a model without dropout.
    """

    classes: tuple[str, ...]
    views: np.ndarray
    passes: np.ndarray | None

    @property
    def entropy(self) -> float:
        """Entropy of the answer's probabilities, nats: 0 if it is sure, log(classes) if all are equally likely."""
        return float(_entropy(self.views[0]))

    @property
    def view_range(self) -> tuple[float, float]:
        """Lowest and highest probability of the most probable class over the views."""
        values = self.views[:, int(self.views[0].argmax())]
        return float(values.min()), float(values.max())

    @property
    def view_deviation(self) -> float:
        """Standard deviation of that probability over the views, with a divisor of V."""
        return float(self.views[:, int(self.views[0].argmax())].std())

    @property
    def changed_views(self) -> int:
        """Number of views for which another class is most probable than for the image as it is."""
        return int((self.views.argmax(axis=1) != self.views[0].argmax()).sum())

    @property
    def dropout_deviation(self) -> float | None:
        """Standard deviation of the probability of the most probable class over the passes; None without dropout."""
        return None if self.passes is None else float(self.passes[:, int(self.views[0].argmax())].std())

    @property
    def mutual_information(self) -> float | None:
        """Entropy of the mean pass minus the mean entropy of the passes, nats; None without dropout.

        What is left of the uncertainty after that of each pass: how much the passes disagree (Houlsby et al. 2011,
        "Bayesian active learning for classification and preference learning").
        """
        if self.passes is None:
            return None
        return float(max(0.0, _entropy(self.passes.mean(axis=0)) - _entropy(self.passes).mean()))


def measure_uncertainty(predictor: Predictor, scan: Scan) -> Uncertainty:
    """Measure how uncertain a model is about a scan.

    Args:
        predictor: The model.
        scan: From `scans.read_scan`.
    """
    description, model = predictor.description, predictor.model
    images = to_batch(np.stack(views_of(predictor.prepare(scan).pixels))).to(predictor.device)
    batch = normalise(images, description.preparation.normalise).contiguous(memory_format=torch.channels_last)
    temperature = temperature_of(description.calibration)
    maps = predictor.maps(batch)
    with torch.no_grad():
        views = _probabilities(model.head(maps), temperature)
        logits = dropout_logits(model, [values[:1] for values in maps], PASSES, SEED)
    return Uncertainty(description.classes, views, None if logits is None else _probabilities(logits, temperature))


def views_of(pixels: np.ndarray) -> list[np.ndarray]:
    """Return slightly changed versions of a prepared image, in the order of `VIEWS`.

    Args:
        pixels: (S, S, 3) uint8.

    Returns:
        (S, S, 3) uint8 arrays; what comes in from outside the image is black, like the air around a head.
    """
    mirrored = np.ascontiguousarray(pixels[:, ::-1])
    offset = pixels.shape[0] * SHIFT
    return [
        pixels,
        mirrored,
        _moved(pixels, TURN, 0),
        _moved(pixels, -TURN, 0),
        _moved(mirrored, TURN, 0),
        _moved(pixels, 0, -offset),
        _moved(pixels, 0, offset),
    ]


def _moved(pixels: np.ndarray, degrees: float, down: float) -> np.ndarray:
    centre = (pixels.shape[0] - 1) / 2
    matrix = cv2.getRotationMatrix2D((centre, centre), degrees, 1.0)
    matrix[1, 2] += down
    moved: np.ndarray = cv2.warpAffine(pixels, matrix, pixels.shape[1::-1], flags=cv2.INTER_LINEAR)
    return moved


def dropout_logits(model: Classifier, maps: list[torch.Tensor], passes: int, seed: int) -> torch.Tensor | None:
    """Return the logits of one image with random units of the head left out.

    Args:
        model: The classifier, in evaluation mode; it stays as it is.
        maps: The body's maps of one image, (1, C, h, w) each.
        passes: Number of draws.
        seed: Seed of the draws.

    Returns:
        (passes, classes) float; None if the head has no dropout.
    """
    if not any(isinstance(layer, DROPOUTS) and layer.p > 0 for layer in model.head):
        return None
    generator = torch.Generator().manual_seed(seed)
    values: torch.Tensor | list[torch.Tensor] = maps
    for layer in model.head:
        if isinstance(layer, DROPOUTS) and isinstance(values, torch.Tensor):
            kept = torch.rand((passes, values.shape[1]), generator=generator).to(values.device) >= layer.p
            values = values * kept.reshape(*kept.shape, *(1,) * (values.ndim - 2)) / (1 - layer.p)
        else:
            values = layer(values)
    return values if isinstance(values, torch.Tensor) else None


def _probabilities(logits: torch.Tensor, temperature: float) -> np.ndarray:
    result: np.ndarray = torch.softmax(logits.double() / temperature, dim=1).cpu().numpy()
    return result


def _entropy(probabilities: np.ndarray) -> np.ndarray:
    """Return the entropy along the last axis, nats."""
    entropies: np.ndarray = -(probabilities * np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))).sum(axis=-1)
    return entropies


def uncertainty_sentence(found: Uncertainty, write: Callable[[float], str]) -> str:
    """Return a sentence on how stable an answer is.

    Args:
        found: The measures.
        write: Writes a probability.
    """
    label = found.classes[int(found.views[0].argmax())]
    low, high = (write(value) for value in found.view_range)
    count = len(found.views) - 1
    changed = "none of them changes" if not found.changed_views else f"{found.changed_views} of them change"
    sentence = (
        f"On {count} slightly changed versions of the image (mirrored, turned by {TURN:g}°, shifted), {label} gets "
        f"{low} to {high}, and {changed} the most probable class"
    )
    if found.dropout_deviation is None:
        return f"{sentence}."
    return (
        f"{sentence}; with random parts of the network left out, its standard deviation is "
        f"{100 * found.dropout_deviation:.1f} points."
    )

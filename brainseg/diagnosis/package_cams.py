"""The heatmaps of the grad-cam package, drawn with a separate view of a shared model."""

from __future__ import annotations

import threading

import numpy as np
import torch
from pytorch_grad_cam import EigenCAM, GradCAMPlusPlus, ScoreCAM
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from brainseg.diagnosis.split_classifier import SplitClassifier
from brainseg.models.architectures import Classifier

# One at a time: ScoreCAM holds one masked copy of the image per channel, over 1 GB at 2,048 channels and 224 px.
_SCORING = threading.Lock()


class LowMemoryScoreCAM(ScoreCAM):
    """ScoreCAM that discards the maps of the hundreds of scoring passes; the package's own class keeps them all."""

    def get_cam_weights(self, *args: object) -> np.ndarray:
        """Return (1, channels) weights."""
        self.activations_and_grads.release()
        with _SCORING:
            weights: np.ndarray = super().get_cam_weights(*args)
        return weights


CAMS: dict[str, type[BaseCAM]] = {
    "grad-cam++": GradCAMPlusPlus,
    "eigen-cam": EigenCAM,
    "score-cam": LowMemoryScoreCAM,
}
"""Chattopadhay et al. 2018 (arXiv:1710.11063); Muhammad and Yeasin 2020 (arXiv:2008.00299); Wang et al. 2020
(arXiv:1910.01279)."""


def package_cam(
    model: Classifier, image: torch.Tensor, class_number: int, method: str, stage: int | None = None
) -> np.ndarray:
    """Compute a map by a method of the grad-cam package.

    Args:
        model: In evaluation mode, with parameters that need no gradients. It may be shared by threads, and is not
            changed.
        image: (1, 3, S, S) float, normalised.
        class_number: The class to explain.
        method: A key of `CAMS`.
        stage: The residual stage whose map is explained; the last by default.

    Returns:
        (S, S) float32 in 0..1.
    """
    view = SplitClassifier(model, stage)
    with torch.enable_grad():
        maps: np.ndarray = CAMS[method](view, [view.split_point])(image, [ClassifierOutputTarget(class_number)])
    cam: np.ndarray = maps[0]
    return cam

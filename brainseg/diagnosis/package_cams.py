"""The heatmaps of the grad-cam package, drawn on a private view of a shared model."""

from __future__ import annotations

import threading

import numpy as np
import torch
from pytorch_grad_cam import EigenCAM, GradCAMPlusPlus, ScoreCAM
from pytorch_grad_cam.base_cam import BaseCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from brainseg.diagnosis.cut import Cut
from brainseg.models.architectures import Classifier

# One at a time: ScoreCAM holds one masked copy of the image per channel, over 1 GB at 2,048 channels and 224 px.
_SCORING = threading.Lock()


class FrugalScoreCAM(ScoreCAM):
    """ScoreCAM that keeps no map of the hundreds of passes that only score: the package's own keeps them all."""

    def get_cam_weights(self, *args: object) -> np.ndarray:
        """Return (1, channels) weights."""
        self.activations_and_grads.release()
        with _SCORING:
            weights: np.ndarray = super().get_cam_weights(*args)
        return weights


CAMS: dict[str, type[BaseCAM]] = {
    "grad-cam++": GradCAMPlusPlus,
    "eigen-cam": EigenCAM,
    "score-cam": FrugalScoreCAM,
}
"""Chattopadhay et al. 2018 (arXiv:1710.11063); Muhammad and Yeasin 2020 (arXiv:2008.00299); Wang et al. 2020
(arXiv:1910.01279)."""


def package_cam(
    model: Classifier, image: torch.Tensor, class_number: int, method: str, stage: int | None = None
) -> np.ndarray:
    """Compute a map by a method of the package.

    Args:
        model: In evaluation mode, with parameters that need no gradients; shared with other threads, left as it is.
        image: (1, 3, S, S) float, normalised.
        class_number: The class to explain.
        method: A key of `CAMS`.
        stage: The residual stage to look at; the last by default.

    Returns:
        (S, S) float32 in 0..1.
    """
    cut = Cut(model, stage)
    with torch.enable_grad():
        maps: np.ndarray = CAMS[method](cut, [cut.seam])(image, [ClassifierOutputTarget(class_number)])
    cam: np.ndarray = maps[0]
    return cam

"""Draws the heatmap of a class by any method, on the prepared square. Any number of threads may share one model."""

from __future__ import annotations

import numpy as np
import torch

from brainseg import extras
from brainseg.diagnosis.gradcam import MAPS, centred, enlarge, logits_and_maps, unit
from brainseg.diagnosis.methods import METHODS
from brainseg.models.architectures import Classifier

Passed = tuple[torch.Tensor, list[torch.Tensor]]
"""What `gradcam.logits_and_maps` returned."""


def draw_heatmap(
    model: Classifier, image: torch.Tensor, class_number: int, method: str, stage: int, passed: Passed | None = None
) -> np.ndarray:
    """Draw the heatmap of a class.

    Args:
        model: In evaluation mode, with parameters that need no gradients. It is not changed.
        image: (1, 3, S, S) float, normalised.
        class_number: The class to explain.
        method: A key of `methods.METHODS`.
        stage: The residual stage to take it from; for an average over stages, the first of them.
        passed: The forward pass of this image and stage, if it is known already.

    Returns:
        (S, S) float32 in 0..1; all zeros if nothing supports the class.

    Raises:
        MissingLibraryError: The method needs the grad-cam package, which is not installed.
    """
    known = METHODS[method]
    if not known.base:
        return _single(model, image, class_number, method, stage, passed)
    maps = []
    for each in range(stage, model.body.stages[-1] + 1) if known.stages else (stage,):
        maps.append(_single(model, image, class_number, known.base, each, passed if each == stage else None))
        if known.mirrored:
            maps.append(_single(model, image.flip(3), class_number, known.base, each)[:, ::-1])
    # The mean of maps in 0..1, as the grad-cam package combines layers: each stage weighs the same.
    return unit(np.mean(maps, axis=0))


def _single(
    model: Classifier, image: torch.Tensor, class_number: int, method: str, stage: int, passed: Passed | None = None
) -> np.ndarray:
    """Draw a map by a method that averages nothing."""
    if method in MAPS:
        cam = MAPS[method](*(passed or logits_and_maps(model, image, stage)), class_number)
    else:
        extras.require("pytorch_grad_cam", f"The heatmap method {method}")
        # Imported here: the package takes seconds to import, and most diagnoses do not need it.
        from brainseg.diagnosis.package_cams import package_cam

        cam = package_cam(model, image, class_number, method, stage)
    return centred(enlarge(cam, image.shape[-1]), stage)

"""Grad-CAM, LayerCAM and HiResCAM without hooks: gradients are computed only for the layers after the map.

Nothing is stored on the model, so any number of threads may share one model.
"""

from __future__ import annotations

import cv2
import numpy as np
import torch

from brainseg.diagnosis.split_classifier import SplitClassifier
from brainseg.models.architectures import Classifier

SMOOTHING = 1 / 16
"""Standard deviation of the blur of a smoothed map, as a fraction of the map's side."""
ROUNDING = 1e-5
"""A sum of channels below this fraction of their summed magnitudes is float32 rounding error."""


def logits_and_maps(
    model: Classifier, images: torch.Tensor, stage: int | None = None
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Run a model without gradients up to a stage, and with gradients after it.

    Args:
        model: In evaluation mode.
        images: (N, 3, S, S) float, normalised.
        stage: The residual stage whose map is explained; the last by default.

    Returns:
        (N, classes) logits, and the feature maps; the logits can be differentiated with respect to the last map.
    """
    logits, maps, _ = logits_maps_and_deepest(model, images, stage)
    return logits, maps


def logits_maps_and_deepest(
    model: Classifier, images: torch.Tensor, stage: int | None = None
) -> tuple[torch.Tensor, list[torch.Tensor], torch.Tensor]:
    """Do what `logits_and_maps` does, and also return the map of the model's last stage, (N, C, h, w)."""
    view = SplitClassifier(model, stage)
    with torch.no_grad():
        maps = view.before(images)
    # Not in inference mode, whose tensors cannot be differentiated afterwards.
    maps = [values.detach().requires_grad_() for values in maps]
    with torch.enable_grad():
        logits, deepest = view.after_with_deepest(maps)
    return logits, maps, deepest.detach()


def grad_cam(logits: torch.Tensor, maps: list[torch.Tensor], class_number: int) -> np.ndarray:
    """Compute the Grad-CAM map of one class on the last of the feature maps.

    Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization":
    channels weighted by the mean gradient of the class score, summed, negative values set to 0, scaled to 0..1.

    Args:
        logits: (1, classes), from `logits_and_maps`; its graph is kept for further classes.
        maps: The feature maps of the same call.
        class_number: The class to explain.

    Returns:
        (h, w) float32 in 0..1, at the resolution of the feature map; all zeros if nothing supports the class.
    """
    features, gradient = maps[-1], _gradient(logits, maps, class_number)
    with torch.no_grad():
        return _positive(gradient.mean((2, 3), keepdim=True) * features)


def layer_cam(logits: torch.Tensor, maps: list[torch.Tensor], class_number: int) -> np.ndarray:
    """Compute the LayerCAM map of one class on the last of the feature maps.

    Jiang et al. 2021, "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization": every value is
    weighted by its own gradient where that is positive, then as in Grad-CAM. Since no gradient is averaged over the
    image, the map of an early stage shows as much as that of the last, at a higher resolution.

    Args and returns are those of `grad_cam`.
    """
    features, gradient = maps[-1], _gradient(logits, maps, class_number)
    with torch.no_grad():
        return _positive(torch.relu(gradient) * features)


def smooth_layer_cam(logits: torch.Tensor, maps: list[torch.Tensor], class_number: int) -> np.ndarray:
    """Blur the LayerCAM map by a Gaussian with a standard deviation of a sixteenth of the map's side.

    The map of an early stage consists of many single points, each from a few channels, and the hottest point is often
    outside the area where most of them lie. Args and returns are those of `grad_cam`.
    """
    values = layer_cam(logits, maps, class_number)
    return unit(cv2.GaussianBlur(values, (0, 0), max(values.shape) * SMOOTHING))


def hires_cam(logits: torch.Tensor, maps: list[torch.Tensor], class_number: int) -> np.ndarray:
    """Compute the HiResCAM map of one class on the last of the feature maps.

    Draelos and Carin 2020, "Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural
    networks" (arXiv:2011.08891): every value times its own gradient, then as in Grad-CAM. Unlike LayerCAM, values that
    lower the score count against those that raise it. Args and returns are those of `grad_cam`.
    """
    features, gradient = maps[-1], _gradient(logits, maps, class_number)
    with torch.no_grad():
        return _positive(gradient * features)


MAPS = {
    "grad-cam": grad_cam,
    "layer-cam": layer_cam,
    "smooth-layer-cam": smooth_layer_cam,
    "hires-cam": hires_cam,
}
"""The methods that need no hooks, by their keys in `methods.METHODS`."""


def enlarge(values: np.ndarray, size: int) -> np.ndarray:
    """Enlarge an (h, w) map in 0..1 to (size, size) float32, bilinearly, and scale it to 0..1 again."""
    return unit(cv2.resize(values.astype(np.float32), (size, size)))


def centred(values: np.ndarray, stage: int) -> np.ndarray:
    """Shift an enlarged (S, S) map of a residual stage so that it lies on what it shows, and scale it to 0..1 again.

    Every convolution with a stride in a ResNet starts at the first pixel, so position i of a map is centred on pixel
    i times the stride. Enlarging instead centres it within a block of `stride` pixels: without the shift, a map lies
    half a stride too low and too far right.
    """
    offset = (2 ** (stage + 1) - 1) / 2
    shift = np.array([[1, 0, offset], [0, 1, offset]], np.float32)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return unit(cv2.warpAffine(values, shift, values.shape[::-1], flags=flags, borderMode=cv2.BORDER_REPLICATE))


def _gradient(logits: torch.Tensor, maps: list[torch.Tensor], class_number: int) -> torch.Tensor:
    """Return the gradient of a class score with respect to the last feature map, (1, C, h, w)."""
    with torch.enable_grad():
        (gradient,) = torch.autograd.grad(logits[0, class_number], maps[-1], retain_graph=True)
    return gradient


def _positive(weighted: torch.Tensor) -> np.ndarray:
    """Sum (1, C, h, w) weighted features over the channels, set negative values to 0 and scale to 0..1.

    If the channels cancel each other out, only rounding error is left, and the map is all zeros.
    """
    values = torch.relu(weighted.sum(dim=1))[0]
    if values.max() <= ROUNDING * weighted.abs().sum(dim=1).max():
        return np.zeros(tuple(values.shape), dtype=np.float32)
    return unit(values.float().cpu().numpy())


def unit(values: np.ndarray) -> np.ndarray:
    """Scale to 0..1; a uniform map becomes all zeros, since scaling would only amplify noise."""
    low, high = float(values.min()), float(values.max())
    if high - low < 1e-7:
        return np.zeros_like(values, dtype=np.float32)
    return ((values - low) / (high - low)).astype(np.float32)

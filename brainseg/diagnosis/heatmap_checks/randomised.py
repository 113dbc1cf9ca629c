"""Copies of a network whose last layers are random, for a sanity check of heatmaps.

J. Adebayo et al. (2018), "Sanity Checks for Saliency Maps" (arXiv:1810.03292). A heatmap of what a network learnt must
change when what it learnt is removed, from the head downwards. A map that stays as it was shows edges of the image.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator

import numpy as np
import torch
from scipy.stats import spearmanr
from torch import nn

from brainseg.diagnosis.methods import layer_name
from brainseg.models.architectures import STEM, Classifier


def cascade(model: Classifier, seed: int) -> Iterator[tuple[str, Classifier]]:
    """Yield a copy of a network whose head is random, then its last stage too, down to the whole network.

    Args:
        model: In evaluation mode. It is only read, so other threads may use it.
        seed: Seed of the random weights; no global generator is used.

    Yields:
        Which layers are random, such as "head to layer3", and the copy. It is one copy, which the next step changes.
    """
    copied = copy.deepcopy(model).eval().requires_grad_(False)
    generator = torch.Generator().manual_seed(seed)
    randomise(copied.head, generator)
    yield "head", copied
    for stage in range(copied.body.stages[-1], 0, -1):
        randomise(getattr(copied.body, layer_name(stage)), generator)
        if stage == 1:
            for name in STEM:
                randomise(getattr(copied.body, name), generator)
        yield f"head to {layer_name(stage)}" if stage > 1 else "the whole network", copied


def randomise(module: nn.Module, generator: torch.Generator) -> None:
    """Give every layer of a module the weights that it would have before a training, in place.

    Weights are normal (He et al. 2015, arXiv:1502.01852): those of convolutions as in torchvision's ResNet, those of
    linear layers as in brainseg's head. Normalisations get a mean of 0, a variance of 1, a scale of 1 and no offset.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            _draw(layer.weight, math.sqrt(2 / (layer.out_channels * math.prod(layer.kernel_size))), generator)
        elif isinstance(layer, nn.Linear):
            _draw(layer.weight, math.sqrt(2 / layer.in_features), generator)
            if layer.bias is not None:
                layer.bias.data.zero_()
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            layer.reset_running_stats()
            layer.weight.data.fill_(1)
            layer.bias.data.zero_()


def _draw(weight: torch.Tensor, deviation: float, generator: torch.Generator) -> None:
    """Fill a tensor with normal values; the numbers do not depend on the device."""
    drawn = torch.randn(weight.shape, generator=generator) * deviation
    with torch.no_grad():
        weight.copy_(drawn)


def similarity(first: np.ndarray, second: np.ndarray) -> float:
    """Return Spearman's correlation of two maps of one size, -1..1; NaN if either is the same everywhere.

    It compares the order of the values: maps are scaled to 0..1 one by one, so only their order means anything.
    """
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return math.nan
    return float(spearmanr(first.ravel(), second.ravel()).statistic)

"""Heads of classifiers: the layers that turn the body's feature maps into one logit per class."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

SHARPNESS = 4.0
"""Sharpness r of the local head: at 4, a position whose logit is 1 higher counts 55 times as much."""
HIDDEN = 256
"""Channels between the two layers of the local head."""


class ConcatPool(nn.Module):
    """Pool every map to the maxima and means of its channels."""

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Return (N, 2 x channels) features from a list of (N, C, h, w) maps."""
        pooled = [part for values in maps for part in (values.amax((2, 3)), values.mean((2, 3)))]
        return torch.cat(pooled, dim=1)


class FeaturePool(nn.Module):
    """Pool maps for an instant baseline: means of every map, and maxima of the deepest one."""

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Return (N, channels + deepest channels) features from a list of (N, C, h, w) maps."""
        means = [values.mean((2, 3)) for values in maps]
        return torch.cat([maps[-1].amax((2, 3)), *means[::-1]], dim=1)


class JoinMaps(nn.Module):
    """Bring all maps to the size of the first, bilinearly, and join their channels."""

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Return an (N, all channels, h, w) map from a list of (N, C, h, w) maps, shallow to deep."""
        size = maps[0].shape[2:]
        same = [maps[0], *(functional.interpolate(each, size, mode="bilinear") for each in maps[1:])]
        return torch.cat(same, dim=1)


class LogSumExpPool(nn.Module):
    """Pool the logits of all positions to those of the image: a smooth maximum.

    Pinheiro and Collobert 2015, "From Image-level to Pixel-level Labeling with Convolutional Networks", equation 3:
    the logarithm of the mean of exp(r s) over all positions, divided by r. Small r gives the mean, large r the maximum.

    Args:
        sharpness: r.
    """

    def __init__(self, sharpness: float) -> None:
        super().__init__()
        self.sharpness = sharpness

    def forward(self, logits: torch.Tensor) -> torch.Tensor:
        """Return (N, classes) logits from an (N, classes, h, w) map of logits."""
        positions = logits.float().flatten(2)
        # As a computation on the values: an export would keep a number as it is for the size of its example.
        count = torch.ones_like(positions).sum(2)
        return (torch.logsumexp(self.sharpness * positions, 2) - count.log()) / self.sharpness


def _concat_pool_head(channels: tuple[int, ...], classes: int, dropout: float) -> nn.Sequential:
    features = 2 * sum(channels)
    head = nn.Sequential(
        ConcatPool(),
        nn.BatchNorm1d(features),
        nn.Dropout(dropout / 2),
        nn.Linear(features, 512, bias=False),
        nn.ReLU(inplace=True),
        nn.BatchNorm1d(512),
        nn.Dropout(dropout),
        nn.Linear(512, classes, bias=False),
    )
    for layer in head:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_normal_(layer.weight)
    return head


def _local_head(channels: tuple[int, ...], classes: int, dropout: float) -> nn.Sequential:
    """Build the layers of fastai's head for every position instead of for the pooled features."""
    features = sum(channels)
    head = nn.Sequential(
        JoinMaps(),
        nn.BatchNorm2d(features),
        nn.Dropout2d(dropout / 2),
        nn.Conv2d(features, HIDDEN, 1, bias=False),
        nn.BatchNorm2d(HIDDEN),
        nn.ReLU(inplace=True),
        nn.Dropout2d(dropout),
        nn.Conv2d(HIDDEN, classes, 1),
        LogSumExpPool(SHARPNESS),
    )
    for layer in head:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight)
    return head


def _linear_head(channels: tuple[int, ...], classes: int, _dropout: float) -> nn.Sequential:
    return nn.Sequential(FeaturePool(), nn.Linear(sum(channels) + channels[-1], classes))


HEADS: dict[str, Callable[[tuple[int, ...], int, float], nn.Sequential]] = {
    "concat-pool": _concat_pool_head,
    "local": _local_head,
    "logistic": _linear_head,
    "svm": _linear_head,
}
"""Name of a head -> the function that builds it from the channels of its maps, the number of classes and dropout."""

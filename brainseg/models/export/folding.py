"""Folds batch normalisations into the convolutions before them, which saves a pass over every map."""

from __future__ import annotations

from itertools import pairwise
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

M = TypeVar("M", bound=nn.Module)


def fold_batch_norm(model: M) -> M:
    """Fold every batch normalisation of a network in evaluation mode, in place, and return the network.

    A normalisation follows its convolution in a `Sequential`, or has its name in a ResNet: `bn1` follows `conv1`.
    Others, such as those of a U-Net's skip connections, follow no convolution and stay as they are.
    """
    for part in model.modules():
        for first, second in _pairs(part):
            convolution, norm = getattr(part, first), getattr(part, second)
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                setattr(part, first, fuse_conv_bn_eval(convolution, norm))
                setattr(part, second, nn.Identity())
    return model


def _pairs(part: nn.Module) -> list[tuple[str, str]]:
    """Return the names of children of which the second receives what the first returns."""
    names = [name for name, _ in part.named_children()]
    if isinstance(part, nn.Sequential):
        return list(pairwise(names))
    return [
        (name, name.replace("conv", "bn")) for name in names if name.replace("conv", "bn") in names and "conv" in name
    ]

"""A small network that tells brain MRI from other pictures, whatever the model.

It is part of brainseg, not of a bundle: `benchmarks/guard_fit.py` fits it to slices of several sources and to other
pictures, among them many that have the outline of a head but nothing of its inside. `docs/results.md` measures it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file
from torch import nn

from brainseg.diagnosis.facts import HEAD, levels_of
from brainseg.models.export.folding import fold_batch_norm
from brainseg.models.one_thread import one_thread

SIDE = 64
"""Side, in pixels, of the view that the network receives."""
WEIGHTS = Path(__file__).with_name("head_network.safetensors")
CHANNELS = (12, 24, 32, 48)
MARGIN = 4
"""Pixels of the reduced image that stay around everything bright."""
BRIGHT = 0.03
"""Fraction of bright pixels from which a row or column belongs to what the view shows."""


class HeadNetwork(nn.Sequential):
    """Four convolutions with pooling, a fifth, the mean of its maps, and one logit: 45,000 parameters."""

    def __init__(self) -> None:
        layers: list[nn.Module] = []
        before = 1
        for width in (*CHANNELS, CHANNELS[-1]):
            layers += [nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            layers.append(nn.MaxPool2d(2))
            before = width
        layers[-1] = nn.AdaptiveAvgPool2d(1)
        super().__init__(*layers, nn.Flatten(), nn.Dropout(0.2), nn.Linear(before, 1))


def head_view(small: np.ndarray) -> np.ndarray:
    """Return what the network sees of an image: its bright part in grey, centred in a black square.

    Args:
        small: (h, w, 3) uint8 RGB, from `facts.reduced`.

    Returns:
        (`SIDE`, `SIDE`) uint8; 255 is the 99th percentile of the image's grey.
    """
    level = levels_of(small).clip(0, 1)
    bright = cv2.GaussianBlur(level, (5, 5), 0) > HEAD
    rows, columns = (np.flatnonzero(bright.mean(axis=axis) > BRIGHT) for axis in (1, 0))
    if len(rows) and len(columns):
        top, left = max(rows[0] - MARGIN, 0), max(columns[0] - MARGIN, 0)
        level = level[top : rows[-1] + 1 + MARGIN, left : columns[-1] + 1 + MARGIN]
    height, width = level.shape
    scale = SIDE / max(height, width)
    down, across = max(1, round(height * scale)), max(1, round(width * scale))
    smaller = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    view = np.zeros((SIDE, SIDE), np.float32)
    top, left = (SIDE - down) // 2, (SIDE - across) // 2
    view[top : top + down, left : left + across] = cv2.resize(level, (across, down), interpolation=smaller)
    return np.round(view * 255).astype(np.uint8)


def head_logit(small: np.ndarray) -> float:
    """Return the logit that an image shows a slice of brain MRI; positive if it looks like one.

    Args:
        small: (h, w, 3) uint8 RGB, from `facts.reduced`.

    Examples:
        >>> from brainseg.diagnosis.facts import reduced
        >>> head_logit(reduced(np.full((90, 90, 3), 200, np.uint8))) < 0
        True
    """
    view = torch.from_numpy(head_view(small))[None, None]
    with one_thread(), torch.inference_mode():
        return float(_network()(view.float() / 255))


@cache
def _network() -> nn.Sequential:
    """Return the network without layers that only training needs, which would take longer than its convolutions."""
    network = HeadNetwork()
    network.load_state_dict(load_file(WEIGHTS))
    layers = fold_batch_norm(network.eval()).children()
    return nn.Sequential(*(layer for layer in layers if not isinstance(layer, nn.Identity | nn.Dropout)))

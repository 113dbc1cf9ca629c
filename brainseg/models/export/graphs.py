"""What an exported model returns: its logits, and the maps and features that heatmap and guard need."""

from __future__ import annotations

import torch
from torch import nn

from brainseg.models.architectures import Network
from brainseg.models.unet import UNet

INPUT = "images"
LOGITS = "logits"
FEATURES = "features"
"""Mean of every map of a U-Net's deepest stage."""
STAGE = "stage"
"""Beginning of the name of a classifier's map; the number of its residual stage follows."""


def served_outputs(model: Network) -> tuple[str, ...]:
    """Return the names of the outputs that answers need.

    A classifier's logits are not among them: its head runs in torch, in float32, where it can be differentiated, so a
    heatmap costs a gradient through the head alone, whatever computed the maps.
    """
    return (LOGITS, FEATURES) if isinstance(model, UNet) else maps_of(model)


def file_outputs(model: Network) -> tuple[str, ...]:
    """Return the names of all outputs of an exported file; the first are the logits."""
    return (LOGITS, FEATURES) if isinstance(model, UNet) else (LOGITS, *maps_of(model))


def maps_of(model: Network) -> tuple[str, ...]:
    """Return the names of the maps that a classifier's head uses, shallow to deep; the last is the deepest stage's."""
    return tuple(f"{STAGE}{number}" for number in model.body.stages)


def output_shape(model: Network, name: str, images: tuple[int, ...]) -> tuple[int, ...]:
    """Return the shape of an output.

    Args:
        model: The network.
        name: One of `file_outputs`.
        images: (N, 3, H, W), the shape of the input.

    Examples:
        >>> from brainseg.models.architectures import build_classifier
        >>> output_shape(build_classifier("resnet18", 2), "stage4", (1, 3, 224, 225))
        (1, 512, 7, 8)
    """
    count, _, height, width = images
    if name == FEATURES:
        return count, model.body.level_channels[-1]
    if name.startswith(STAGE):
        stage = int(name.removeprefix(STAGE))
        side = 2 ** (stage + 1)  # every halving rounds up, so only the last one has to
        return count, model.body.level_channels[stage], -(-height // side), -(-width // side)
    classes = _classes(model)
    return (count, classes, height, width) if isinstance(model, UNet) else (count, classes)


def _classes(model: Network) -> int:
    *_, last = [layer for layer in model.head.modules() if isinstance(layer, nn.Linear | nn.Conv2d)]
    return last.out_features if isinstance(last, nn.Linear) else last.out_channels


class Graph(nn.Module):
    """A network that returns what `file_outputs` names; in evaluation mode, and its layers are those of the network."""

    def __init__(self, model: Network) -> None:
        super().__init__()
        self.model = model
        # The exporter restores the mode of what it exports in all its layers: a wrapper that was never put into
        # evaluation mode would leave a model that others share in training mode.
        self.eval()

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the outputs of (N, 3, H, W) normalised images."""
        if isinstance(self.model, UNet):
            levels = self.model.body.levels(images)
            return self.model.head(images, levels), levels[-1].mean((2, 3))
        maps = self.model.body(images)
        return self.model.head(maps), *maps

"""Classifiers: a ResNet body and a head on its feature maps, in plain torch and torchvision."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import nn

from brainseg.models.heads import HEADS
from brainseg.models.torchvision_import import torchvision

STEM = ("conv1", "bn1")
DEFAULT_STAGES = (4,)


class ResNetBody(nn.Module):
    """A torchvision ResNet without its classifier, up to the last stage that is needed.

    Module names are those of torchvision (`conv1`, `bn1`, `layer1` … `layer4`), so its weight files fit unchanged.

    Args:
        arch: `resnet18`, 34, 50, 101 or 152.
        stages: Residual stages (1 to 4, ascending) whose maps `forward` returns.
    """

    def __init__(self, arch: str, stages: tuple[int, ...]) -> None:
        super().__init__()
        resnet = torchvision.models.get_model(arch, weights=None)
        self.stages = stages
        self.conv1, self.bn1, self.relu, self.maxpool = resnet.conv1, resnet.bn1, resnet.relu, resnet.maxpool
        for stage in range(1, stages[-1] + 1):
            setattr(self, f"layer{stage}", getattr(resnet, f"layer{stage}"))
        expansion = resnet.fc.in_features // 512
        widths = (64, *(width * expansion for width in (64, 128, 256, 512)))
        self.level_channels = widths[: stages[-1] + 1]
        self.channels = tuple(widths[stage] for stage in stages)

    def forward(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the maps of the chosen stages.

        Args:
            images: (N, 3, H, W) float, normalised.

        Returns:
            One (N, C, h, w) map per stage, shallow to deep.
        """
        # ReLU and maximum pooling may change places, with the same values and gradients; ReLU then has a quarter of the
        # pixels, of a map that is larger than all others.
        levels = self._after_stem(self.relu(self.maxpool(self.bn1(self.conv1(images)))))
        return [levels[stage - 1] for stage in self.stages]

    def levels(self, images: torch.Tensor) -> list[torch.Tensor]:
        """Return the stem's map, at half the image's resolution, and the map of every stage, shallow to deep."""
        stem = self.relu(self.bn1(self.conv1(images)))
        return [stem, *self._after_stem(self.maxpool(stem))]

    def _after_stem(self, values: torch.Tensor) -> list[torch.Tensor]:
        levels = []
        for stage in range(1, self.stages[-1] + 1):
            values = getattr(self, f"layer{stage}")(values)
            levels.append(values)
        return levels


class Network(nn.Module):
    """The base class of every model of brainseg: a body and a head.

    Attributes:
        does: What such a model does, to follow its name in a sentence.
        body: The ResNet.
        head: The layers that turn the body's maps into an answer.
    """

    does: ClassVar[str]
    body: ResNetBody
    head: nn.Module

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Return the logits of (N, 3, H, W) normalised images."""
        logits: torch.Tensor = super().__call__(images)
        return logits


class Classifier(Network):
    """A body and a head. `forward` is `head(body(images))`; Grad-CAM differentiates through the head alone."""

    does = "classifies images"

    def __init__(self, body: ResNetBody, head: nn.Sequential) -> None:
        super().__init__()
        self.body = body
        self.head: nn.Sequential = head

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return (N, classes) logits for (N, 3, H, W) normalised images."""
        logits: torch.Tensor = self.head(self.body(images))
        return logits


def build_classifier(
    arch: str, classes: int, head: str = "concat-pool", stages: tuple[int, ...] | None = None, dropout: float = 0.5
) -> Classifier:
    """Build a classifier with random weights.

    Args:
        arch: Name of the ResNet.
        classes: Number of classes.
        head: `concat-pool` for fine-tuning (the layers of fastai's `create_head`), `logistic` or `svm` for one linear
            map.
        stages: Residual stages whose maps the head uses; the last stage by default.
        dropout: Dropout before the last layer of a `concat-pool` head; after pooling, half as much is used.

    Examples:
        >>> model = build_classifier("resnet18", classes=2, stages=(1,)).eval()
        >>> model(torch.zeros(1, 3, 32, 32)).shape
        torch.Size([1, 2])
    """
    body = ResNetBody(arch, stages or DEFAULT_STAGES)
    return Classifier(body, HEADS[head](body.channels, classes, dropout))

"""A U-Net on a ResNet: the layers of fastai's `DynamicUnet`, in plain torch.

Hand-written, since fastai's U-Net keeps the encoder's maps in hooks during a forward pass, so threads that share one
model would mix up their images. Here the maps are passed as values, and nothing is stored on the model.

Ronneberger, Fischer and Brox 2015, "U-Net: Convolutional Networks for Biomedical Image Segmentation"; sub-pixel
upsampling by Shi et al. 2016, started without checkerboards by Aitken et al. 2017 (ICNR); self-attention by Zhang et
al. 2019 (SAGAN).
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm

from brainseg.models.architectures import DEFAULT_STAGES, Network, ResNetBody

ATTENTION_FROM_LAST = 3
"""The third block from the end has the self-attention, if there are three blocks (fastai's own choice)."""


class UNet(Network):
    """A ResNet body (encoder) and a head (decoder) that returns a score of each class for every pixel.

    Args:
        body: The body; the head starts at its deepest stage.
        classes: Number of classes, including the background.
        self_attention: Add one self-attention block to the decoder, which relates distant pixels to each other.
        bottleneck: Halve the channels of the last layers, which work on every pixel.
    """

    does = "marks tumours"

    def __init__(self, body: ResNetBody, classes: int, self_attention: bool = False, bottleneck: bool = False) -> None:
        super().__init__()
        self.body = body
        self.head: UNetHead = UNetHead(body.level_channels, classes, self_attention, bottleneck)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return (N, classes, H, W) logits for (N, 3, H, W) normalised images."""
        logits: torch.Tensor = self.head(images, self.body.levels(images))
        return logits


class UNetHead(nn.Module):
    """All layers after the encoder; for sharp outlines, the image itself is an input, too.

    Args:
        channels: Numbers of channels of the encoder's maps, shallow to deep.
        classes: Number of classes.
        self_attention: See `UNet`.
        bottleneck: See `UNet`.
    """

    def __init__(self, channels: tuple[int, ...], classes: int, self_attention: bool, bottleneck: bool) -> None:
        super().__init__()
        *skips, width = channels
        self.norm = _batch_norm(width)
        self.middle = nn.Sequential(_conv(width, 2 * width), _conv(2 * width, width))
        blocks = []
        for left, skip in zip(range(len(skips), 0, -1), reversed(skips), strict=True):
            attends = self_attention and left == ATTENTION_FROM_LAST
            blocks.append(UpBlock(width, skip, last=left == 1, self_attention=attends))
            width = blocks[-1].width
        self.blocks = nn.ModuleList(blocks)
        self.shuffle = _shuffle(width, width)
        joined = width + 3  # the image's channels
        width = joined // 2 if bottleneck else joined
        self.residual = nn.Sequential(_conv(joined, width), _conv(width, width, active=False))
        self.shortcut = _projection(joined, width) if bottleneck else nn.Identity()
        self.scores = nn.Conv2d(width, classes, 1)

    def forward(self, images: torch.Tensor, levels: list[torch.Tensor]) -> torch.Tensor:
        """Return (N, classes, H, W) logits.

        Args:
            images: (N, 3, H, W), the input of the encoder.
            levels: The encoder's maps, shallow to deep.
        """
        *skips, values = levels
        values = self.middle(functional.relu(self.norm(values)))
        for block, skip in zip(self.blocks, reversed(skips), strict=True):
            values = block(values, skip)
        grown = _resized(self.shuffle(values), images)
        # In mixed precision, a float32 image would turn all following values into float32.
        values = torch.cat([grown, images.to(grown.dtype)], dim=1)
        logits: torch.Tensor = self.scores(functional.relu(self.residual(values) + self.shortcut(values)))
        return logits


class UpBlock(nn.Module):
    """Double the resolution, concatenate the encoder's map of that resolution, and convolve both.

    Args:
        width: Channels of the deeper map.
        skip: Channels of the encoder's map.
        last: Whether this is the last block, which halves the channels of its result.
        self_attention: Apply self-attention to the result.
    """

    def __init__(self, width: int, skip: int, last: bool, self_attention: bool) -> None:
        super().__init__()
        joined = width // 2 + skip
        self.width = joined // 2 if last else joined
        self.shuffle = _shuffle(width, width // 2)
        self.norm = _batch_norm(skip)
        self.mix = nn.Sequential(_conv(joined, self.width), _conv(self.width, self.width))
        self.attention = SelfAttention(self.width) if self_attention else nn.Identity()

    def forward(self, values: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """Return a (N, width, h, w) map of the same size as `skip`."""
        joined = torch.cat([_resized(self.shuffle(values), skip), self.norm(skip)], dim=1)
        mixed: torch.Tensor = self.attention(self.mix(functional.relu(joined)))
        return mixed


class SelfAttention(nn.Module):
    """Self-attention over all positions of a map, with a learnt weight that starts at 0 (Zhang et al. 2019)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (
            spectral_norm(nn.Conv1d(channels, width, 1, bias=False))
            for width in (channels // 8, channels // 8, channels)
        )
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        """Return a map of the same shape, (N, C, h, w)."""
        flat = values.flatten(2)
        weights = torch.softmax(torch.bmm(self.query(flat).transpose(1, 2), self.key(flat)), dim=1)
        return (self.gamma * torch.bmm(self.value(flat), weights) + flat).view_as(values)


def build_unet(
    arch: str,
    classes: int,
    stages: tuple[int, ...] | None = None,
    self_attention: bool = False,
    bottleneck: bool = False,
) -> UNet:
    """Build a U-Net with random weights.

    Args:
        arch: Name of the ResNet.
        classes: Number of classes, including the background.
        stages: The last one is the encoder's last stage; the whole ResNet by default.
        self_attention: See `UNet`.
        bottleneck: See `UNet`.

    Examples:
        >>> model = build_unet("resnet18", classes=2, stages=(1,)).eval()
        >>> model(torch.zeros(1, 3, 32, 32)).shape
        torch.Size([1, 2, 32, 32])
    """
    return UNet(ResNetBody(arch, stages or DEFAULT_STAGES), classes, self_attention, bottleneck)


def _conv(inputs: int, outputs: int, active: bool = True) -> nn.Module:
    layer = _zero_bias(nn.Conv2d(inputs, outputs, 3, padding=1))
    nn.init.kaiming_normal_(layer.weight)
    return nn.Sequential(layer, nn.ReLU(inplace=True)) if active else layer


def _projection(inputs: int, outputs: int) -> nn.Module:
    layer = nn.Conv2d(inputs, outputs, 1, bias=False)
    nn.init.kaiming_normal_(layer.weight)
    return nn.Sequential(layer, _batch_norm(outputs))


def _shuffle(inputs: int, outputs: int) -> nn.Module:
    """Double the resolution by sub-pixel convolution; initially, each pixel becomes four equal ones (ICNR)."""
    layer = _zero_bias(nn.Conv2d(inputs, 4 * outputs, 1))
    with torch.no_grad():
        start = nn.init.kaiming_normal_(torch.empty(outputs, inputs, 1, 1))
        layer.weight.copy_(start.repeat_interleave(4, dim=0))
    return nn.Sequential(layer, nn.ReLU(inplace=True), nn.PixelShuffle(2))


def _zero_bias(layer: nn.Conv2d) -> nn.Conv2d:
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    layer = nn.BatchNorm2d(channels)
    nn.init.constant_(layer.bias, 1e-3)  # fastai's start
    return layer


def _resized(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Resize a map to the size of another; if 32 does not divide a size, doubling gives a row or column too many."""
    if values.shape[-2:] == like.shape[-2:]:
        return values
    return functional.interpolate(values, like.shape[-2:], mode="nearest")

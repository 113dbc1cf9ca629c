"""Match masks with images by file names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from brainseg.datasets.mask_names import channel_of, modality_of, strip

Key = Callable[[str], tuple[str, str] | None]
"""From an image's name to the name of its mask, and to the part that differs between images of the same mask."""


@dataclass(frozen=True)
class Match:
    """An image and its mask, by their names without extension.

    Attributes:
        image: Name of the image, with its folders.
        mask: Name of the mask.
        channel: nnU-Net's channel number or the sequence at the end of the image's name, "" for most.
    """

    image: str
    mask: str
    channel: str = ""


@dataclass
class Matches:
    """The matched pairs, and the images and masks without a match."""

    pairs: list[Match] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    masks: list[str] = field(default_factory=list)


def match_names(images: Iterable[str], masks: Iterable[str]) -> Matches:
    """Match images and masks: equal names first, then names without words for image or mask.

    Upper and lower case do not matter. The remaining names are matched without nnU-Net's `_0000` and without a
    sequence; several images may then share one mask.

    Args:
        images: Names without extension, with folders; each once.
        masks: The same for masks.
    """
    found = Matches(images=sorted(images), masks=sorted(masks))
    _match(found, lambda stem: (stem, ""), lambda stem: stem, alone=True)
    _match(found, lambda stem: (stem.casefold(), ""), str.casefold, alone=True)
    _match(found, lambda stem: (stem.casefold(), ""), lambda stem: strip(stem, "mask"), alone=True)
    _match(found, lambda stem: (strip(stem, "image"), ""), lambda stem: strip(stem, "mask"), alone=True)
    for key in (_without_channel, _without_modality):
        _match(found, key, lambda stem: strip(stem, "mask"), alone=False)
    return found


def _without_channel(stem: str) -> tuple[str, str] | None:
    found = channel_of(stem)
    return (strip(found[0], "image"), found[1]) if found else None


def _without_modality(stem: str) -> tuple[str, str] | None:
    found = modality_of(stem)
    return (strip(found[0], "image"), found[1]) if found else None


def _match(found: Matches, of_image: Key, of_mask: Callable[[str], str], *, alone: bool) -> None:
    """Match the remaining names by one rule; with `alone`, a mask may have only one image."""
    masks: defaultdict[str, list[str]] = defaultdict(list)
    images: defaultdict[str, list[tuple[str, str]]] = defaultdict(list)
    for stem in found.masks:
        masks[of_mask(stem)].append(stem)
    for stem in found.images:
        if parts := of_image(stem):
            images[parts[0]].append((stem, parts[1]))
    for key, named in images.items():
        channels = {channel for _, channel in named}
        if len(masks.get(key, ())) == 1 and (len(named) == 1 or (not alone and len(channels) == len(named))):
            found.pairs += [Match(stem, masks[key][0], channel) for stem, channel in named]
    taken = {match.image for match in found.pairs}
    used = {match.mask for match in found.pairs}
    found.images = [stem for stem in found.images if stem not in taken]
    found.masks = [stem for stem in found.masks if stem not in used]

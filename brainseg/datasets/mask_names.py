"""Recognise the names that people give to folders and files of images and masks."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from brainseg.datasets.manifest import SPLIT_NAMES
from brainseg.datasets.modalities import MODALITIES, canonical

Role = Literal["image", "mask"]

_IMAGE_WORDS = {"image", "images", "img", "imgs", "scan", "scans", "slice", "slices", "input", "inputs", "x"}
_IMAGE_FOLDERS = _IMAGE_WORDS | {"data", "picture", "pictures", "original", "originals", "raw", "mri", "mris"}
_MASK_WORDS = {
    *("mask", "masks", "label", "labels", "labelmap", "seg", "segs", "segmentation", "segmentations", "segmented"),
    *("gt", "gts", "groundtruth", "groundtruths", "annotation", "annotations", "annot", "target", "targets"),
    *("roi", "rois", "contour", "contours"),
}
_MASK_FOLDERS = _MASK_WORDS | {"y", "truth", "truths"}
_MASK_ENDINGS = _MASK_WORDS | {"tumor", "tumour", "tumors", "tumours", "lesion", "lesions"}
_FILLERS = {
    *("brain", "brains", "tumor", "tumour", "tumors", "tumours", "head", "binary", "png", "pngs", "tif", "tiff", "jpg"),
    *("jpeg", "bmp", "2d", "folder", "dir", "all", "set", "files"),
}
"""Words in a folder's name that do not show whether it contains images or masks, as in `tumor_masks`, `images_png`."""

_NNUNET = {"imagestr": ("image", "train"), "imagests": ("image", "test"), "imagesval": ("image", "valid")} | {
    "labelstr": ("mask", "train"),
    "labelsts": ("mask", "test"),
    "labelsval": ("mask", "valid"),
}
_WORDS: dict[Role, set[str]] = {"image": _IMAGE_WORDS, "mask": _MASK_ENDINGS | {"ground_truth", "ground-truth"}}
_LISTED = {role: "|".join(sorted(map(re.escape, words), key=len, reverse=True)) for role, words in _WORDS.items()}
_ENDINGS = {role: re.compile(rf"(?<=.)[_\-. ]+(?:{words})$|(?<=\d)(?:{words})$") for role, words in _LISTED.items()}
_BEGINNINGS = {role: re.compile(rf"^(?:{words})(?:[_\-. ]+(?=.)|(?=\d))") for role, words in _LISTED.items()}
_CHANNEL = re.compile(r"(.+)_(\d{4})")


@dataclass(frozen=True)
class Part:
    """The meaning of a folder's name: images or masks, and the side of the split."""

    role: Role
    split: str = ""


def part_of(folder: str) -> Part | None:
    """Return the meaning of a folder's name; None if it is a name neither for images nor for masks.

    Examples:
        >>> part_of("Ground Truth"), part_of("labelsTr"), part_of("glioma")
        (Part(role='mask', split=''), Part(role='mask', split='train'), None)
    """
    words = _words(folder)
    joined = "".join(words)
    if joined in _NNUNET:
        role, split = _NNUNET[joined]
        return Part("mask" if role == "mask" else "image", split)
    if len(words) > 1 and joined not in _MASK_FOLDERS:
        splits = [SPLIT_NAMES[word] for word in words if word in SPLIT_NAMES]
        rest = [word for word in words if word not in SPLIT_NAMES]
        named = [word for word in rest if word not in _FILLERS] or rest
        if len(splits) > 1 or not named:
            return None
        # `mask_images` and `label_data` contain masks: the other word only says that they are images.
        telling = [word for word in named if word not in _IMAGE_FOLDERS] or named[:1]
        joined, split = "".join(telling), (splits or [""])[0]
    else:
        split = ""
    if joined in _MASK_FOLDERS:
        return Part("mask", split)
    return Part("image", split) if joined in _IMAGE_FOLDERS else None


def _words(name: str) -> list[str]:
    """Return the words of a folder's name in lower case; `TrainMasks` and `train_masks` have the same words."""
    if re.fullmatch(r"(images|labels)(tr|ts|val)", name, re.IGNORECASE):
        return [name.lower()]
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return [word for word in re.split(r"[\W_]+", apart.lower()) if word]


def is_mask_name(stem: str) -> bool:
    """Return whether a file name without extension is that of a mask, such as NAME_mask and seg-NAME."""
    return strip(stem, "mask") != stem.casefold()


def strip(stem: str, role: Role) -> str:
    """Return a file name in lower case, without its extension and without words for image or mask.

    Args:
        stem: The name without extension; folders before it stay unchanged.
        role: Whether to remove words for images or for masks.

    Examples:
        >>> strip("Case7_Segmentation", "mask"), strip("mask_001", "mask"), strip("001", "mask")
        ('case7', '001', '001')
    """
    folders, slash, name = stem.casefold().rpartition("/")
    if name in _WORDS[role]:  # P01/image.png and P01/mask.png
        return f"{folders}{slash}"
    before = ""
    while name != before:
        before = name
        name = _ENDINGS[role].sub("", name)
        name = _BEGINNINGS[role].sub("", name)
    return f"{folders}{slash}{name}"


def channel_of(stem: str) -> tuple[str, str] | None:
    """Split an nnU-Net name such as `case_0000` into the case and the channel number; None for other names."""
    found = _CHANNEL.fullmatch(stem)
    return (found[1], found[2]) if found else None


def modality_of(stem: str) -> tuple[str, str] | None:
    """Split a name such as `BraTS_001_flair` into the slice and the sequence; None if no sequence is at the end."""
    folders, slash, name = stem.rpartition("/")
    found = re.fullmatch(r"(?:(.+?)[_\-. ]+)?([^_\-. ]+)", name)
    modality = canonical(found[2]) if found else ""
    return (f"{folders}{slash}{found[1] or ''}", modality) if found and modality in MODALITIES else None

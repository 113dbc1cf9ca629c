"""Find the folders of images and of masks in a dataset, by their names or by their contents."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from brainseg.datasets.listing import files_below, hidden
from brainseg.datasets.manifest import SPLIT_NAMES
from brainseg.datasets.mask_detection import looks_like_masks
from brainseg.datasets.mask_matching import match_names
from brainseg.datasets.mask_names import part_of
from brainseg.datasets.modalities import MODALITIES, canonical
from brainseg.scans import SUFFIXES

DEPTH = 6
"""Most levels below the root at which folders of images and masks are searched for."""


@dataclass(frozen=True)
class FolderPair:
    """A folder of images and the folder of their masks.

    Attributes:
        images: The folder of the images; `deep` says whether its subfolders count.
        masks: The folder of the masks.
        around: The folder that contains both.
        split: The side of the split in the names of the folders, "" for most.
        modality: Sequence of the images, if their folder is named like one.
        deep: Whether images in subfolders count; False if the folder of masks is inside the folder of images.
        guessed: Whether the pair was found by contents, not by names.
    """

    images: Path
    masks: Path
    around: Path
    split: str = ""
    modality: str = ""
    deep: bool = True
    guessed: bool = False


def find_folder_pairs(root: Path) -> list[FolderPair]:
    """Find the folders of images and masks below a root.

    Folders named like images and masks are found at any depth (in split folders, patients' folders or a folder around
    everything). Folders with other names are found only in the root and in its split folders, by their files.

    Args:
        root: A folder.
    """
    pairs: list[FolderPair] = []
    for around, folders in _walk(root):
        found = _pairs_in(around, folders)
        pairs += found
        taken = {place.images for place in found if place.deep} | {place.masks for place in found}
        folders[:] = [folder for folder in folders if folder not in taken]
    if pairs:
        return pairs
    splits = [child for child in _children(root) if child.name.lower() in SPLIT_NAMES]
    guesses = [_guess(place) for place in (root, *splits)]
    return [place for place in guesses if place]


def named_parts(folders: list[Path]) -> tuple[list[Path], list[Path]]:
    """Return the folders that are named like images, and those that are named like masks."""
    parts = {folder: part_of(folder.name) for folder in folders}
    images = [folder for folder, part in parts.items() if part and part.role == "image"]
    return images, [folder for folder, part in parts.items() if part and part.role == "mask"]


def stems_of(folder: Path, deep: bool = True) -> dict[str, Path]:
    """Return the image files of a folder by relative path without extension; of equal paths, the last one."""
    files = files_below(folder) if deep else sorted(file for file in folder.iterdir() if file.is_file())
    return {
        file.relative_to(folder).with_suffix("").as_posix(): file
        for file in files
        if file.suffix.lower() in SUFFIXES and not hidden(file.name)
    }


def _walk(root: Path) -> Iterator[tuple[Path, list[Path]]]:
    """Yield each folder with its subfolders, from the top; subfolders that the caller removes are not entered."""
    waiting = [(root, 0)]
    while waiting:
        around, depth = waiting.pop()
        folders = _children(around)
        yield around, folders
        if depth < DEPTH:
            waiting += [(folder, depth + 1) for folder in reversed(folders) if not folder.is_symlink()]


def _children(folder: Path) -> list[Path]:
    """Return the subfolders of a folder; a link to a folder around it does not count."""
    with os.scandir(folder) as entries:
        found = [entry for entry in entries if not hidden(entry.name)]
    plain = [Path(entry.path) for entry in found if entry.is_dir(follow_symlinks=False)]
    links = [Path(entry.path) for entry in found if entry.is_symlink()]
    around = folder.resolve()
    return sorted([*plain, *(link for link in links if link.is_dir() and not around.is_relative_to(link.resolve()))])


def _pairs_in(around: Path, folders: list[Path]) -> list[FolderPair]:
    """Return the pairs among the subfolders of one folder."""
    images, masks = named_parts(folders)
    others = [folder for folder in folders if folder not in (*images, *masks)]
    return [place for folder in masks for place in _image_folders(around, folder, images, others)]


def _image_folders(around: Path, masks: Path, images: list[Path], others: list[Path]) -> list[FolderPair]:
    """Pair a folder of masks with a folder named like images, any other folder, or the folder around it."""
    side = _side(masks)
    named = [folder for folder in images if _side(folder) == side]
    if len(named) > 1:
        wanted = stems_of(masks)
        named = [max(named, key=lambda folder: len(match_names(stems_of(folder), wanted).pairs))]
    if named:
        return [FolderPair(named[0], masks, around, side)]
    modalities = {folder: canonical(folder.name) for folder in others if canonical(folder.name) in MODALITIES}
    if modalities:
        return [FolderPair(folder, masks, around, side, modality) for folder, modality in modalities.items()]
    wanted = stems_of(masks)
    for folder, deep in [(folder, True) for folder in others] + [(around, False)]:
        stems = stems_of(folder, deep)
        matched = match_names(stems, wanted).pairs
        if 2 * len(matched) > len(wanted) and looks_like_masks([(stems[m.image], wanted[m.mask]) for m in matched]):
            return [FolderPair(folder, masks, around, side, deep=deep)]
    return []


def _side(folder: Path) -> str:
    part = part_of(folder.name)
    return part.split if part else ""


def _guess(around: Path) -> FolderPair | None:
    """Pair two folders with other names, if their files match one to one and those of one look like masks."""
    folders = [folder for folder in _children(around) if folder.name.lower() not in SPLIT_NAMES]
    stems = {folder: found for folder in folders if (found := stems_of(folder))}
    if len(stems) != 2:
        return None
    (first, firsts), (second, seconds) = stems.items()
    matched = match_names(firsts, seconds)
    if len(matched.pairs) < 2 or matched.images or matched.masks:
        return None
    pairs = [(firsts[match.image], seconds[match.mask]) for match in matched.pairs]
    if looks_like_masks(pairs):
        return FolderPair(first, second, around, guessed=True)
    if looks_like_masks([(mask, image) for image, mask in pairs]):
        return FolderPair(second, first, around, guessed=True)
    return None


def split_of(place: FolderPair, root: Path) -> str:
    """Return the split side in the names of the two folders, or of the folders around them; "" for none."""
    named = [SPLIT_NAMES[part.lower()] for part in place.around.relative_to(root).parts if part.lower() in SPLIT_NAMES]
    return place.split or (named[-1] if named else "")

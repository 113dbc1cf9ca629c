"""Find masks in class folders: masks are neither a separate class nor images of a class."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from brainseg.datasets.findings import Finding
from brainseg.datasets.manifest import SPLIT_NAMES
from brainseg.datasets.mask_detection import looks_like_masks
from brainseg.datasets.mask_folders import FolderPair, find_folder_pairs
from brainseg.datasets.mask_matching import match_names
from brainseg.datasets.mask_names import is_mask_name, part_of
from brainseg.datasets.patient_names import patient_part, strength
from brainseg.errors import DataError


def masks_among_images(root: Path, paths: Sequence[str]) -> tuple[set[str], list[Finding]]:
    """Return the images in class folders that are masks of other images there, with findings about them.

    Args:
        root: The folder of the class folders.
        paths: The images in them, relative to the root.

    Raises:
        DataError: The folders are not classes: one contains images and another one their masks.
    """
    if masks := _class_of_masks(root, paths):
        return masks, [_left_out(masks)]
    places = find_folder_pairs(root) if paths else []
    arounds = {_way(place.around, root) for place in places}
    if len(arounds) == 1:
        (around,) = arounds
        if all(_way(root / path, root)[: len(around)] == around for path in paths):
            raise DataError(_no_classes(places[0], root))
    folders = tuple(f"{place.masks.relative_to(root).as_posix()}/" for place in places)
    masks = {path for path in paths if folders and path.startswith(folders)}
    masks |= _beside(root, [path for path in paths if path not in masks])
    if not masks:
        return masks, []
    tops = {way[0] for path in paths if len(way := _way(root / path, root)) > 1}
    if len(tops) > 1 and all(_is_patient(top) for top in tops):
        raise DataError(
            f"The folders in {root} look like patients with images and masks, such as {min(tops)}, not like classes: "
            "learn from the masks with --set task=segment, or put the images of each class into a separate folder."
        )
    return masks, [_left_out(masks)]


def _left_out(masks: set[str]) -> Finding:
    message = f"{len(masks)} images are masks of other images and are left out: to learn from masks, set task=segment."
    return Finding("masks-left-out", message, tuple(sorted(masks)))


def _class_of_masks(root: Path, paths: Sequence[str]) -> set[str]:
    """Return the images in folders named like masks beside at least two classes, if they are masks of their images."""
    tops: dict[str, dict[str, str]] = defaultdict(dict)
    for path in paths:
        way = _way(root / path, root)
        if len(way) > 1:
            tops[way[0]][PurePosixPath(path).stem] = path
    roles = {top: part_of(top) for top in tops}
    named = [top for top, part in roles.items() if part and part.role == "mask"]
    images = {stem: path for top, files in tops.items() if not roles[top] for stem, path in files.items()}
    if len(tops) - sum(part is not None for part in roles.values()) < 2:
        return set()
    found: set[str] = set()
    for top in named:
        masks = tops[top]
        pairs = [(root / images[match.image], root / masks[match.mask]) for match in match_names(images, masks).pairs]
        if 2 * len(pairs) > len(masks) and looks_like_masks(pairs):
            found |= {path for path in paths if _way(root / path, root)[0] == top}
    return found


def _is_patient(folder: str) -> bool:
    part = patient_part(folder)
    return bool(part) and not folder.isdigit() and strength(part) > 2


def _way(path: Path, root: Path) -> tuple[str, ...]:
    """Return the path parts below the root, without the names of splits."""
    return tuple(part for part in path.relative_to(root).parts if part.lower() not in SPLIT_NAMES)


def _no_classes(place: FolderPair, root: Path) -> str:
    images, masks = (folder.relative_to(root).as_posix() for folder in (place.images, place.masks))
    guess = " by their files" if place.guessed else ""
    folders = f"{images} and {masks}" if place.deep else masks
    return (
        f"The folders in {root} look{guess} like images with masks ({folders}), not like classes: learn from the masks "
        "with --set task=segment, or put the images of each class into a separate folder."
    )


def _beside(root: Path, paths: Sequence[str]) -> set[str]:
    """Return the images that are masks of images beside them, judging by name and contents."""
    stems = {PurePosixPath(path).with_suffix("").as_posix(): path for path in paths}
    named = [stem for stem in stems if is_mask_name(stem)]
    if not named:
        return set()
    matches = match_names(stems.keys() - set(named), named).pairs
    pairs = [(root / stems[match.image], root / stems[match.mask]) for match in matches]
    return {stems[match.mask] for match in matches} if pairs and looks_like_masks(pairs) else set()

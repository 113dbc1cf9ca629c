"""Pair images with masks: by a manifest, by folders of images and masks, or with masks beside their images."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from brainseg.datasets.findings import Finding
from brainseg.datasets.listing import files_below, hidden, spelled
from brainseg.datasets.manifest import (
    MANIFEST,
    SPLIT_NAMES,
    read_as_manifest,
)
from brainseg.datasets.mask_faults import Fault, display_path
from brainseg.datasets.mask_folders import FolderPair, find_folder_pairs, split_of
from brainseg.datasets.mask_manifest import lgg_channels, pairs_of_manifest, table_of_masks
from brainseg.datasets.mask_matching import Match, match_names
from brainseg.datasets.mask_names import is_mask_name
from brainseg.datasets.mask_pairs import Listing, NoMatch, Pair
from brainseg.datasets.modalities import MODALITIES, canonical
from brainseg.errors import DataError
from brainseg.scans import SUFFIXES, display_name

SUFFIX = "_mask"
_LAYOUTS = (
    f"a {MANIFEST} with the columns path and mask, the folders images and masks, or masks named NAME{SUFFIX} beside "
    "images named NAME"
)


def list_pairs(path: Path) -> Listing:
    """Find the images and masks of a dataset by its layout.

    Args:
        path: A CSV manifest or a folder; see `open_masked_dataset`.

    Raises:
        DataError: The path does not exist or has no known layout, or a manifest is damaged.
        NoMatch: There are folders for images and masks, but no file names match.
    """
    try:
        path = path.expanduser()
        if not path.exists():
            raise DataError(f"{path} does not exist: provide {_LAYOUTS}.")
        path = path.resolve()
        if spelled(str(path)) != str(path):
            raise DataError(f"The path {spelled(str(path))} is not in UTF-8: rename its folders.")
        if path.is_file() or (path / MANIFEST).is_file():
            found = pairs_of_manifest(path if path.is_file() else path / MANIFEST)
        elif table := table_of_masks(path):
            found = pairs_of_manifest(table)
            found.findings.append(read_as_manifest(table))
        else:
            found = _from_folders(path) or _from_names(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: ~ of an unknown user
        place, reason = getattr(error, "filename", None) or path, getattr(error, "strerror", None) or "no such user"
        raise DataError(f"{place} cannot be opened ({reason}): give a folder that you may read.") from error
    if not found.pairs:
        raise DataError(f"{path} contains no images with masks: provide {_LAYOUTS}.")
    return found


def _from_folders(root: Path) -> Listing | None:
    """Pair folders of images with folders of masks, by the names of their files."""
    if not root.is_dir():
        raise DataError(f"{root} is neither a folder nor a file: provide {_LAYOUTS}.")
    places = find_folder_pairs(root)
    if not places:
        return None
    found = Listing(root, layout="folders")
    for place in places:
        _pair_place(found, place)
    _refuse_no_match(found, places)
    used = {pair.mask for pair in found.pairs}  # a mask may be used in another sequence's folder
    found.faults = [fault for fault in found.faults if fault.kind != "no image" or fault.path not in used]
    if len({pair.split for pair in found.pairs}) == 1:  # one side alone, such as imagesTr, is not a split
        found.pairs = [replace(pair, split="") for pair in found.pairs]
    _list_left_out(found, places)
    return found


def _pair_place(found: Listing, place: FolderPair) -> None:
    """Pair the files of two folders."""
    side = split_of(place, found.root)
    images, masks = _by_stem(found, place.images, place.deep), _by_stem(found, place.masks, deep=True)
    names = _channel_names(found.root)
    matches = match_names(images, masks)
    for match in matches.pairs:
        pair = _pair(images[match.image], masks[match.mask], match)
        modality = place.modality or names.get(match.channel, pair.modality)
        found.pairs.append(
            replace(
                pair,
                split=_inner_split(match.image) or side,
                modality=modality if modality in MODALITIES else "",
                slice=pair.slice or (match.mask if place.modality else ""),
            )
        )
    _report_unpaired(found, [images[stem] for stem in matches.images], [masks[stem] for stem in matches.masks])


def _pair(image: str, mask: str, match: Match) -> Pair:
    """Return a pair with the facts from the names of an image and its mask."""
    modality = match.channel if match.channel in MODALITIES else ""
    shared = match.mask if match.channel else ""
    return Pair(image, mask, modality=modality, slice=shared, channels=lgg_channels(image), key=shared)


def _inner_split(stem: str) -> str:
    """Return the split named by a subfolder of the image folder, "" for none."""
    first = PurePosixPath(stem).parts[0].lower() if "/" in stem else ""
    return SPLIT_NAMES.get(first, "")


def _channel_names(root: Path) -> dict[str, str]:
    """Return the channel names in nnU-Net's `dataset.json`, such as "0000" -> "T1"; empty without one."""
    try:
        stored = json.loads((root / "dataset.json").read_text("utf-8"))
        named = stored.get("channel_names") or stored.get("modality") or {}
        return {f"{int(number):04d}": canonical(str(name)) for number, name in named.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _refuse_no_match(found: Listing, places: list[FolderPair]) -> None:
    """Raise an error if no file names match between the folders of images and masks.

    Raises:
        NoMatch: No names match; the message gives an example from each folder.
    """
    images, masks = ([fault.path for fault in found.faults if fault.kind == kind] for kind in ("no mask", "no image"))
    folders = [folder.relative_to(found.root).as_posix() for folder in (places[0].images, places[0].masks)]
    if found.pairs or not images:
        return
    if not masks:
        others = {PurePosixPath(name).suffix for name in found.ignored if name.startswith(f"{folders[1]}/")}
        kinds = f", only {', '.join(sorted(others))} files" if others else ""
        raise NoMatch(
            f"{found.root}: {folders[1]} should contain the masks of {folders[0]}, but contains no images{kinds}: save "
            "masks as PNG or TIFF; brainseg does not read boxes or outlines."
        )
    raise NoMatch(
        f"{found.root}: {folders[0]} and {folders[1]} look like images and their masks, but no file names match, such "
        f"as {display_name(sorted(images)[0])} and {display_name(sorted(masks)[0])}: name the mask of NAME either NAME "
        f"or NAME{SUFFIX}."
    )


def _list_left_out(found: Listing, places: list[FolderPair]) -> None:
    """List files outside the pairs of folders, and report images among them."""
    known = {pair.path for pair in found.pairs} | {pair.mask for pair in found.pairs}
    known |= {fault.path for fault in found.faults} | set(found.ignored)
    images: list[str] = []
    others: list[str] = []
    for file in files_below(found.root):
        name = file.relative_to(found.root).as_posix()
        if name not in known:
            (images if file.suffix.lower() in SUFFIXES and not file.is_dir() else others).append(name)
    found.ignored = [*found.ignored, *map(spelled, (*images, *others))]
    if images:
        folders = sorted({PurePosixPath(name).parent.as_posix() for name in images})
        where = ", ".join("the top folder" if folder == "." else display_path(folder) for folder in folders[:5])
        more = f" and {len(folders) - 5} more" if len(folders) > 5 else ""
        message = f"{len(images)} images are in folders without masks ({where}{more}) and are left out."
        found.findings.append(Finding("unlabelled", message, tuple(map(spelled, images))))
    for place in places:
        if place.guessed:
            folders = [folder.relative_to(found.root).as_posix() for folder in (place.images, place.masks)]
            message = (
                f"The files in {folders[1]} look like masks of those in {folders[0]}; brainseg uses them as masks."
            )
            found.findings.append(Finding("mask-folder-guessed", message))


def _from_names(root: Path) -> Listing:
    """Pair NAME with NAME_mask, anywhere below the root."""
    found = Listing(root, layout="names")
    stems: tuple[dict[str, str], dict[str, str]] = {}, {}
    for name in _image_names(found, root):
        stem = PurePosixPath(name).with_suffix("").as_posix()
        _add_stem(found, stems[is_mask_name(stem)], stem, name)
    images, masks = stems
    matches = match_names(images, masks)
    found.pairs = [_pair(images[match.image], masks[match.mask], match) for match in matches.pairs]
    _report_unpaired(found, [images[stem] for stem in matches.images], [masks[stem] for stem in matches.masks])
    return found


def _by_stem(found: Listing, folder: Path, deep: bool) -> dict[str, str]:
    stems: dict[str, str] = {}
    for name in _image_names(found, folder, deep):
        stem = PurePosixPath(name).relative_to(folder.relative_to(found.root).as_posix()).with_suffix("").as_posix()
        _add_stem(found, stems, stem, name)
    return stems


def _image_names(found: Listing, folder: Path, deep: bool = True) -> Iterator[str]:
    for file in files_below(folder) if deep else sorted(each for each in folder.iterdir() if each.is_file()):
        name = file.relative_to(found.root).as_posix()
        if file.suffix.lower() in SUFFIXES and not file.is_dir() and not hidden(file.name):
            yield name
        elif deep:
            found.ignored.append(spelled(name))


def _add_stem(found: Listing, stems: dict[str, str], stem: str, name: str) -> None:
    if stem in stems:
        reason = f"{display_path(name)} and {display_name(stems[stem])} differ only in the extension: keep one."
        found.faults.append(Fault("same name", name, reason))
    else:
        stems[stem] = name


def _report_unpaired(found: Listing, images: list[str], masks: list[str]) -> None:
    for name in images:
        found.faults.append(Fault("no mask", name, f"{display_path(name)} has no mask: add it, or remove the image."))
    for name in masks:
        found.faults.append(Fault("no image", name, f"{display_path(name)} is a mask without an image: add it."))

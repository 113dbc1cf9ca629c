"""Which image belongs to which mask: a manifest, folders of images and masks, or masks beside their images."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Literal

from brainseg.datasets.findings import Finding
from brainseg.datasets.listing import files_below, hidden, spelled
from brainseg.datasets.manifest import (
    MANIFEST,
    SPLIT_NAMES,
    given_split,
    only_table,
    read_as_manifest,
    read_manifest,
    refuse_twice,
    relative_path,
)
from brainseg.datasets.mask_faults import Fault, shown, told
from brainseg.datasets.mask_folders import Place as Folders
from brainseg.datasets.mask_folders import find_places, split_of
from brainseg.datasets.mask_matching import Match, match_names
from brainseg.datasets.mask_names import is_mask_name
from brainseg.datasets.modalities import LGG_CHANNELS, MODALITIES, canonical
from brainseg.datasets.patients import Place
from brainseg.datasets.table import BadFile
from brainseg.errors import DataError
from brainseg.scans import SUFFIXES, display_name

SUFFIX = "_mask"
_LAYOUTS = (
    f"a {MANIFEST} with the columns path and mask, the folders images and masks, or masks called NAME{SUFFIX} beside "
    "images called NAME"
)
_LGG_NAME = re.compile(r"TCGA_[A-Z0-9]{2}_[A-Z0-9]{4}_\d{8}_\d+")


class NoMatch(DataError):
    """Folders are called like images and masks, but hold none that fit."""


@dataclass(frozen=True)
class Pair:
    """An image and its mask before either is read; paths from the root, `spacing` as in the dataset's table.

    `cells` are the row of a manifest, `key` is the name that the images of one mask share without their modality.
    """

    path: str
    mask: str
    group: str = ""
    split: str = ""
    spacing: str = ""
    modality: str = ""
    slice: str = ""
    channels: tuple[str, ...] = ()
    cells: Mapping[str, str] = field(default_factory=dict)
    key: str = ""

    @property
    def place(self) -> Place:
        """What can tell its patient."""
        pure = PurePosixPath(self.path)
        return Place(pure.parts[:-1], PurePosixPath(self.key or pure).stem, "", self.cells, self.path)


@dataclass
class Listing:
    """The pairs below a folder, what has no partner, and what is no image.

    Attributes:
        root: What the paths are relative to.
        pairs: Images with their masks.
        faults: Files that cannot be used, and why; many of a kind are told in one sentence.
        bad: Files that cannot be used, with a sentence each.
        ignored: What is no image, or lies outside the folders of images and masks.
        findings: What a user should know.
        layout: What said which mask belongs to which image.
    """

    root: Path
    pairs: list[Pair] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    bad: list[BadFile] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    layout: Literal["manifest", "folders", "names"] = "manifest"

    def all_bad(self) -> list[BadFile]:
        """Return every file that cannot be used, with its sentence."""
        return [*self.bad, *told(self.faults)]


def list_pairs(path: Path) -> Listing:
    """Find the images and masks of a dataset by its layout.

    Args:
        path: A CSV manifest or a folder; see `open_masked_dataset`.

    Raises:
        DataError: The path does not exist or holds no known layout, or a manifest is damaged.
        NoMatch: There are folders for images and masks, and no names fit.
    """
    try:
        path = path.expanduser()
        if not path.exists():
            raise DataError(f"{path} does not exist: give {_LAYOUTS}.")
        path = path.resolve()
        if spelled(str(path)) != str(path):
            raise DataError(f"The path {spelled(str(path))} is not in UTF-8: rename its folders.")
        if path.is_file() or (path / MANIFEST).is_file():
            found = _from_manifest(path if path.is_file() else path / MANIFEST)
        elif table := table_of_masks(path):
            found = _from_manifest(table)
            found.findings.append(read_as_manifest(table))
        else:
            found = _from_folders(path) or _from_names(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: ~ of a user who is not there
        place, reason = getattr(error, "filename", None) or path, getattr(error, "strerror", None) or "no such user"
        raise DataError(f"{place} cannot be opened ({reason}): give a folder that you may read.") from error
    if not found.pairs:
        raise DataError(f"{path} holds no images with masks: give {_LAYOUTS}.")
    return found


def table_of_masks(folder: Path) -> Path | None:
    """Return a manifest of another name in a folder: the one table with the columns path and mask whose files exist."""
    table = only_table(sorted(folder.iterdir()), ("path", "mask")) if folder.is_dir() else None
    for _, cells in read_manifest(table, ("path", "mask"), ()) if table else ():
        named = [cells["path"], cells["mask"]]
        return table if all(name and (folder / name.replace("\\", "/")).is_file() for name in named) else None
    return None


def _from_manifest(file: Path) -> Listing:
    found = Listing(file.parent)
    optional = ("group", "patient", "subject", "split", "spacing_mm", "modality", "slice", "channels")
    rows = read_manifest(file, ("path", "mask"), optional)
    for where, cells in rows:
        if not cells["path"]:
            raise DataError(f"{where}: path must be filled in.")
        path = relative_path(where, cells["path"], file.parent)
        if not cells["mask"]:
            found.faults.append(Fault("no mask", path, f"{display_name(path)} has no mask: fill in {where}."))
            continue
        found.pairs.append(
            Pair(
                path,
                relative_path(where, cells["mask"], file.parent),
                "",
                given_split(where, cells.get("split", "")),
                _spacing(where, cells.get("spacing_mm", "")),
                canonical(cells.get("modality", "")),
                cells.get("slice", ""),
                _channels(where, cells.get("channels", "")) or _lgg_channels(path),
                cells,
            )
        )
    refuse_twice(file, [pair.path for pair in found.pairs])
    return found


def _spacing(where: str, text: str) -> str:
    """Return "row column" for one number or two."""
    try:
        numbers = [float(part) for part in re.split(r"[\s;x]+", text.strip())] if text else []
    except ValueError:
        numbers = [0.0]
    if len(numbers) > 2 or not all(0 < number < 100 for number in numbers):
        raise DataError(f"{where}: spacing_mm {text!r} is not one or two lengths in mm, such as 0.9 or 0.9 0.8.")
    return f"{numbers[0]!r} {numbers[-1]!r}" if numbers else ""


def _channels(where: str, text: str) -> tuple[str, ...]:
    names = tuple(canonical(name) for name in text.split())
    if names and len(names) != 3:
        raise DataError(f"{where}: channels {text!r} are not three names, such as T1 FLAIR T1ce.")
    return names


def _lgg_channels(path: str) -> tuple[str, ...]:
    return LGG_CHANNELS if _LGG_NAME.fullmatch(PurePosixPath(path).stem) else ()


def _from_folders(root: Path) -> Listing | None:
    """Pair folders of images with folders of masks, by the names of their files."""
    if not root.is_dir():
        raise DataError(f"{root} is neither a folder nor a file: give {_LAYOUTS}.")
    places = find_places(root)
    if not places:
        return None
    found = Listing(root, layout="folders")
    for place in places:
        _pair_place(found, place)
    _refuse_no_match(found, places)
    used = {pair.mask for pair in found.pairs}  # of a modality more, where its folder lacks some images
    found.faults = [fault for fault in found.faults if fault.kind != "no image" or fault.path not in used]
    if len({pair.split for pair in found.pairs}) == 1:  # one side alone, as imagesTr, is no split
        found.pairs = [replace(pair, split="") for pair in found.pairs]
    _leave_out(found, places)
    return found


def _pair_place(found: Listing, place: Folders) -> None:
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
    _tell_lonely(found, [images[stem] for stem in matches.images], [masks[stem] for stem in matches.masks])


def _pair(image: str, mask: str, match: Match) -> Pair:
    """Return what the names of an image and its mask say."""
    modality = match.channel if match.channel in MODALITIES else ""
    shared = match.mask if match.channel else ""
    return Pair(image, mask, modality=modality, slice=shared, channels=_lgg_channels(image), key=shared)


def _inner_split(stem: str) -> str:
    """Return the split that a folder in a folder of images names, "" for none."""
    first = PurePosixPath(stem).parts[0].lower() if "/" in stem else ""
    return SPLIT_NAMES.get(first, "")


def _channel_names(root: Path) -> dict[str, str]:
    """Return what nnU-Net's `dataset.json` calls the channels: "0000" -> "T1"; empty without one."""
    try:
        stored = json.loads((root / "dataset.json").read_text("utf-8"))
        named = stored.get("channel_names") or stored.get("modality") or {}
        return {f"{int(number):04d}": canonical(str(name)) for number, name in named.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _refuse_no_match(found: Listing, places: list[Folders]) -> None:
    """Refuse folders of images and masks in which no name fits another.

    Raises:
        NoMatch: Names a file of either.
    """
    images, masks = ([fault.path for fault in found.faults if fault.kind == kind] for kind in ("no mask", "no image"))
    folders = [folder.relative_to(found.root).as_posix() for folder in (places[0].images, places[0].masks)]
    if found.pairs or not images:
        return
    if not masks:
        others = {PurePosixPath(name).suffix for name in found.ignored if name.startswith(f"{folders[1]}/")}
        kinds = f" but {', '.join(sorted(others))} files" if others else ""
        raise NoMatch(
            f"{found.root}: {folders[1]} should hold the masks of {folders[0]}, and holds no images{kinds}: save masks "
            "as PNG or TIFF; boxes and outlines are not read."
        )
    raise NoMatch(
        f"{found.root}: {folders[0]} and {folders[1]} look like images and their masks, but no names fit, such as "
        f"{display_name(sorted(images)[0])} and {display_name(sorted(masks)[0])}: call the mask of NAME either NAME or "
        f"NAME{SUFFIX}."
    )


def _leave_out(found: Listing, places: list[Folders]) -> None:
    """List what lies outside the pairs of folders, and say it of images."""
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
        where = ", ".join("the folder around all" if folder == "." else shown(folder) for folder in folders[:5])
        more = f" and {len(folders) - 5} more" if len(folders) > 5 else ""
        message = f"{len(images)} images lie in folders without masks ({where}{more}) and are left out."
        found.findings.append(Finding("unlabelled", message, tuple(map(spelled, images))))
    for place in places:
        if place.guessed:
            folders = [folder.relative_to(found.root).as_posix() for folder in (place.images, place.masks)]
            message = f"The files of {folders[1]} look like masks of those of {folders[0]}, and are taken as such."
            found.findings.append(Finding("mask-folder-guessed", message))


def _from_names(root: Path) -> Listing:
    """Pair NAME with NAME_mask, wherever they lie below the root."""
    found = Listing(root, layout="names")
    stems: tuple[dict[str, str], dict[str, str]] = {}, {}
    for name in _image_names(found, root):
        stem = PurePosixPath(name).with_suffix("").as_posix()
        _keep(found, stems[is_mask_name(stem)], stem, name)
    images, masks = stems
    matches = match_names(images, masks)
    found.pairs = [_pair(images[match.image], masks[match.mask], match) for match in matches.pairs]
    _tell_lonely(found, [images[stem] for stem in matches.images], [masks[stem] for stem in matches.masks])
    return found


def _by_stem(found: Listing, folder: Path, deep: bool) -> dict[str, str]:
    stems: dict[str, str] = {}
    for name in _image_names(found, folder, deep):
        stem = PurePosixPath(name).relative_to(folder.relative_to(found.root).as_posix()).with_suffix("").as_posix()
        _keep(found, stems, stem, name)
    return stems


def _image_names(found: Listing, folder: Path, deep: bool = True) -> Iterator[str]:
    for file in files_below(folder) if deep else sorted(each for each in folder.iterdir() if each.is_file()):
        name = file.relative_to(found.root).as_posix()
        if file.suffix.lower() in SUFFIXES and not file.is_dir() and not hidden(file.name):
            yield name
        elif deep:
            found.ignored.append(spelled(name))


def _keep(found: Listing, stems: dict[str, str], stem: str, name: str) -> None:
    if stem in stems:
        reason = f"{shown(name)} and {display_name(stems[stem])} have the same name before the ending: keep one."
        found.faults.append(Fault("same name", name, reason))
    else:
        stems[stem] = name


def _tell_lonely(found: Listing, images: list[str], masks: list[str]) -> None:
    for name in images:
        found.faults.append(Fault("no mask", name, f"{shown(name)} has no mask: add it, or remove the image."))
    for name in masks:
        found.faults.append(Fault("no image", name, f"{shown(name)} is a mask without an image: add it."))

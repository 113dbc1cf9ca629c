"""Which image belongs to which mask: a manifest, folders of images and masks, or masks beside their images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from brainseg.datasets.listing import contents, files_below, folders_of, spelled
from brainseg.datasets.manifest import MANIFEST, SPLIT_NAMES, given_split, read_manifest, refuse_twice, relative_path
from brainseg.datasets.modalities import LGG_CHANNELS, canonical
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


@dataclass(frozen=True)
class Pair:
    """An image and its mask before either is read; paths from the root, `spacing` as in the dataset's table."""

    path: str
    mask: str
    group: str = ""
    split: str = ""
    spacing: str = ""
    modality: str = ""
    slice: str = ""
    channels: tuple[str, ...] = ()
    cells: Mapping[str, str] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """What can tell its patient."""
        pure = PurePosixPath(self.path)
        return Place(pure.parts[:-1], pure.stem, "", self.cells, self.path)


@dataclass
class Listing:
    """The pairs below a folder, what has no partner, and what is no image."""

    root: Path
    pairs: list[Pair] = field(default_factory=list)
    bad: list[BadFile] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def list_pairs(path: Path) -> Listing:
    """Find the images and masks of a dataset by its layout.

    Args:
        path: A CSV manifest or a folder; see `open_masked_dataset`.

    Raises:
        DataError: The path does not exist or holds no known layout, or a manifest is damaged.
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
        else:
            found = _from_folders(path) or _from_names(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: ~ of a user who is not there
        place, reason = getattr(error, "filename", None) or path, getattr(error, "strerror", None) or "no such user"
        raise DataError(f"{place} cannot be opened ({reason}): give a folder that you may read.") from error
    if not found.pairs:
        raise DataError(f"{path} holds no images with masks: give {_LAYOUTS}.")
    return found


def _from_manifest(file: Path) -> Listing:
    found = Listing(file.parent)
    optional = ("group", "patient", "subject", "split", "spacing_mm", "modality", "slice", "channels")
    rows = read_manifest(file, ("path", "mask"), optional)
    for where, cells in rows:
        if not cells["path"]:
            raise DataError(f"{where}: path must be filled in.")
        path = relative_path(where, cells["path"])
        if not cells["mask"]:
            found.bad.append(BadFile(spelled(path), f"{display_name(path)} has no mask: fill in {where}."))
            continue
        found.pairs.append(
            Pair(
                path,
                relative_path(where, cells["mask"]),
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
    """Pair `images/` with `masks/` by name, in the root or in each split folder."""
    if not root.is_dir():
        raise DataError(f"{root} is neither a folder nor a file: give {_LAYOUTS}.")
    parts = [folder for folder in contents(root)[0] if folder.name.lower() in SPLIT_NAMES]
    places = [("", root), *((SPLIT_NAMES[part.name.lower()], part) for part in parts)]
    found = Listing(root)
    for split, place in places:
        folders = {folder.name.lower(): folder for folder in contents(place)[0]}
        if {"images", "masks"} <= set(folders):
            images, masks = (_by_stem(found, folders[name], name == "masks") for name in ("images", "masks"))
            _join(found, images, masks, split)
    return found if found.pairs or found.bad else None


def _from_names(root: Path) -> Listing:
    """Pair NAME with NAME_mask, wherever they lie below the root."""
    found = Listing(root)
    stems: tuple[dict[str, str], dict[str, str]] = {}, {}
    for name in _image_names(found, root):
        stem = str(PurePosixPath(name).with_suffix(""))
        is_mask = stem.lower().endswith(SUFFIX)
        _keep(found, stems[is_mask], stem[: -len(SUFFIX)] if is_mask else stem, name)
    _join(found, *stems, split="")
    return found


def _by_stem(found: Listing, folder: Path, masks: bool) -> dict[str, str]:
    stems: dict[str, str] = {}
    for name in _image_names(found, folder):
        stem = PurePosixPath(name).relative_to(folder.relative_to(found.root).as_posix()).with_suffix("").as_posix()
        _keep(found, stems, stem[: -len(SUFFIX)] if masks and stem.lower().endswith(SUFFIX) else stem, name)
    return stems


def _image_names(found: Listing, folder: Path) -> Iterator[str]:
    for file in files_below(folder):
        name = file.relative_to(found.root).as_posix()
        if file.suffix.lower() in SUFFIXES and not file.is_dir():
            yield name
        else:
            found.ignored.append(spelled(name))


def _keep(found: Listing, stems: dict[str, str], stem: str, name: str) -> None:
    if stem in stems:
        reason = f"{_shown(name)} and {display_name(stems[stem])} have the same name before the ending: keep one."
        found.bad.append(BadFile(spelled(name), reason))
    else:
        stems[stem] = name


def _join(found: Listing, images: dict[str, str], masks: dict[str, str], split: str) -> None:
    for stem, name in images.items():
        if stem in masks:
            found.pairs.append(Pair(name, masks[stem], "", split, channels=_lgg_channels(name)))
        else:
            found.bad.append(BadFile(spelled(name), f"{_shown(name)} has no mask: add it, or remove the image."))
    for stem in masks.keys() - images.keys():
        found.bad.append(BadFile(spelled(masks[stem]), f"{_shown(masks[stem])} is a mask without an image: add it."))


def _shown(name: str) -> str:
    return f"{folders_of(name)}{display_name(name)}"

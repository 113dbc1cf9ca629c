"""Images below a folder, and folders that contain a second copy of the dataset around them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from brainseg.datasets.listing import contents, files_below, hidden, walk
from brainseg.datasets.mask_names import part_of
from brainseg.scans import SUFFIXES

DEEPEST = 4
"""Most levels of nested folders in which class folders are searched for."""


def repeated_class_names(folder: Path, names: set[str], depth: int = DEEPEST) -> list[str]:
    """Return the subfolders with the names of classes beside `folder`, if `folder` is a second copy of the dataset."""
    inner, others = contents(folder)
    filled = [each for each in inner if any_image(each)]
    same = [each.name for each in filled if each.name.casefold() in names]
    if len(same) > 1 or (same and len(same) == len(filled) and not images_of(others)):
        return same
    for each in filled if depth else []:
        if len(deeper := repeated_class_names(each, names, depth - 1)) > 1:
            return deeper
    return []


def repeated_set_message(folder: Path, inside: list[str], outer: list[Path]) -> str:
    """Return the message about a folder with a second copy of the classes `outer` in its subfolders `inside`."""
    known = {(file.name, file.stat().st_size) for place in outer for file in image_files(place)}
    own = image_files(folder)
    part = part_of(folder.name)
    if part and part.role == "mask" and not any((file.name, file.stat().st_size) in known for file in own):
        return f"contains {len(own)} masks, judging by its name, in folders named like the classes, and is left out"
    new = sum((file.name, file.stat().st_size) not in known for file in own)
    beside = " and ".join(map(repr, inside[:3]))
    more = f"; {new} of its {len(own)} images have another name or size than the images there" if new else ""
    return f"contains {beside} again and is left out; the folders of the same names beside it are used{more}"


def images_of(files: Iterable[Path]) -> list[Path]:
    """Return the files whose names have an image extension."""
    return [file for file in files if file.suffix.lower() in SUFFIXES and not file.is_dir()]


def image_files(folder: Path) -> list[Path]:
    """Return the images below a folder."""
    return images_of(files_below(folder))


def count_images(folder: Path) -> int:
    """Return the number of images below a folder."""
    return len(image_files(folder))


def any_image(folder: Path) -> bool:
    """Return whether there is an image below a folder."""
    return any(Path(name).suffix.lower() in SUFFIXES for name in _names(folder))


def any_file(folder: Path) -> bool:
    """Return whether there is any file below a folder."""
    return any(True for _ in _names(folder))


def _names(folder: Path) -> Iterable[str]:
    """Yield the names of files below a folder."""
    for _, folders, files in walk(folder):
        folders[:] = [name for name in folders if not hidden(name)]
        yield from (name for name in files if not hidden(name))

"""Images below a folder, and folders that hold the set around them once more."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from brainseg.datasets.listing import contents, files_below, hidden, walk
from brainseg.datasets.mask_names import part_of
from brainseg.scans import SUFFIXES

DEEPEST = 4
"""Folders that are looked through for class folders, one inside the other."""


def repeated_class_names(folder: Path, names: set[str], depth: int = DEEPEST) -> list[str]:
    """Return the folders inside one that are called like classes beside it, if that makes it the same set once more."""
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
    """Return what a finding says of a folder that holds the classes `outer` once more, `inside` it."""
    known = {(file.name, file.stat().st_size) for place in outer for file in image_files(place)}
    own = image_files(folder)
    part = part_of(folder.name)
    if part and part.role == "mask" and not any((file.name, file.stat().st_size) in known for file in own):
        return f"holds masks by its name, {len(own)} in folders like the classes: left out"
    new = sum((file.name, file.stat().st_size) not in known for file in own)
    beside = " and ".join(map(repr, inside[:3]))
    more = f"; {new} of its {len(own)} images are not among theirs by name and size" if new else ""
    return f"holds {beside} once more, which also lie beside it: left out, and the folders beside it are used{more}"


def images_of(files: Iterable[Path]) -> list[Path]:
    """Return the files that are images by their names."""
    return [file for file in files if file.suffix.lower() in SUFFIXES and not file.is_dir()]


def image_files(folder: Path) -> list[Path]:
    """Return the images below a folder."""
    return images_of(files_below(folder))


def count_images(folder: Path) -> int:
    """Return how many images lie below a folder."""
    return len(image_files(folder))


def any_image(folder: Path) -> bool:
    """Say whether a folder has an image below it."""
    return any(Path(name).suffix.lower() in SUFFIXES for name in _names(folder))


def any_file(folder: Path) -> bool:
    """Say whether a folder has any file below it."""
    return any(True for _ in _names(folder))


def _names(folder: Path) -> Iterable[str]:
    """Yield the names of files below a folder; stops early where the caller does."""
    for _, folders, files in walk(folder):
        folders[:] = [name for name in folders if not hidden(name)]
        yield from (name for name in files if not hidden(name))

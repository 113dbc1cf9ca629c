"""List the contents of a folder, and spell file names."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from brainseg import paths
from brainseg.errors import DataError
from brainseg.scans import display_name

MOST_FILES, MOST_SECONDS = 200_000, 30.0
"""Limits for listing a folder, unless `BRAINSEG_MAX_FILES` and `BRAINSEG_MAX_SECONDS` set others."""
SYSTEM = tuple(map(Path, ("/proc", "/sys", "/dev")))
"""Folders of the operating system with special files, some of which never end."""


def walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walk through a folder like `os.walk`, but within the limits and not into folders of the operating system.

    Raises:
        DataError: It contains too many files, or takes too long to list.
        OSError: A folder cannot be opened.
    """
    most = paths.limit("BRAINSEG_MAX_FILES", MOST_FILES)
    seconds = paths.limit("BRAINSEG_MAX_SECONDS", MOST_SECONDS)
    refuse_system(folder)
    count, end = 0, time.monotonic() + seconds
    for place, folders, files in os.walk(folder, onerror=_raise):
        count += len(folders) + len(files)
        if count > most:
            raise DataError(
                f"{spelled(str(folder))} contains more than {most:,.0f} files: choose the folder with the images, or "
                "increase BRAINSEG_MAX_FILES."
            )
        if time.monotonic() > end:
            raise DataError(
                f"{spelled(str(folder))} could not be listed within {seconds:g} seconds: choose the folder with the "
                "images, or increase BRAINSEG_MAX_SECONDS."
            )
        folders[:] = [name for name in folders if Path(place, name) not in SYSTEM]
        yield place, folders, files


def refuse_system(folder: Path) -> None:
    """Raise an error for a folder of the operating system.

    Raises:
        DataError: It is one.
    """
    if any(folder.resolve().is_relative_to(own) for own in SYSTEM):
        raise DataError(f"{spelled(str(folder))} belongs to the operating system: choose a folder of images.")


def contents(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the subfolders of a folder, and its other contents; a link to a folder around it is not a subfolder."""
    refuse_system(folder)
    items = sorted(item for item in folder.iterdir() if not hidden(item.name))
    folders = [item for item in items if item.is_dir() and not folder.resolve().is_relative_to(item.resolve())]
    return folders, [item for item in items if item not in folders]


def files_below(folder: Path) -> list[Path]:
    """Return all files below a folder; links to folders count as files and are not followed."""
    found = []
    for place, folders, files in walk(folder):
        folders[:] = [name for name in folders if not hidden(name)]
        links = [name for name in folders if Path(place, name).is_symlink()]
        found += [Path(place, name) for name in (*files, *links) if not hidden(name)]
    return sorted(found)


def _raise(error: OSError) -> None:
    raise error


def hidden(name: str) -> bool:
    """Return whether a name is hidden or was added by the operating system."""
    return name.startswith(".") or name == "__MACOSX"  # macOS adds this to zip files


def natural_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names by the value of numbers in them (2 before 10), and otherwise as Python sorts text."""
    return tuple(sorted(names, key=lambda name: ([*map(_weight, re.findall(r"[0-9]+|[^0-9]", name))], name)))


def _weight(part: str) -> tuple[int, int]:
    return (ord("0"), int(part)) if part[0] in "0123456789" else (ord(part), 0)


def spelled(name: str) -> str:
    """Replace bytes that are not UTF-8 in a file's name, because they can be neither printed nor stored."""
    return os.fsencode(name).decode("utf-8", "replace")


def folders_of(path: str) -> str:
    """Return the folders of a path, safe for display, as a prefix of the file's name."""
    return "".join(f"{display_name(part)}/" for part in PurePosixPath(path).parts[:-1])

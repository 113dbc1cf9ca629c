"""What lies in a folder, and how to spell it."""

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
"""The most that is listed of a folder, unless `BRAINSEG_MAX_FILES` and `BRAINSEG_MAX_SECONDS` say otherwise."""
SYSTEM = tuple(map(Path, ("/proc", "/sys", "/dev")))
"""What the system itself shows as files, some of which never end."""


def walk(folder: Path) -> Iterator[tuple[str, list[str], list[str]]]:
    """Go through a folder as `os.walk` does, but with a limit, and not into folders that only look like files.

    Raises:
        DataError: It holds too much, or cannot be gone through in time.
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
                f"{spelled(str(folder))} holds more than {most:,.0f} files: name the folder of the images, or raise "
                "BRAINSEG_MAX_FILES."
            )
        if time.monotonic() > end:
            raise DataError(
                f"{spelled(str(folder))} could not be listed within {seconds:g} seconds: name the folder of the "
                "images, or raise BRAINSEG_MAX_SECONDS."
            )
        folders[:] = [name for name in folders if Path(place, name) not in SYSTEM]
        yield place, folders, files


def refuse_system(folder: Path) -> None:
    """Refuse a folder of the system's own.

    Raises:
        DataError: It is one.
    """
    if any(folder.resolve().is_relative_to(own) for own in SYSTEM):
        raise DataError(f"{spelled(str(folder))} belongs to the system: name a folder of images.")


def contents(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the folders in a folder and its other contents; a link to a folder around it counts as the latter."""
    refuse_system(folder)
    items = sorted(item for item in folder.iterdir() if not hidden(item.name))
    folders = [item for item in items if item.is_dir() and not folder.resolve().is_relative_to(item.resolve())]
    return folders, [item for item in items if item not in folders]


def files_below(folder: Path) -> list[Path]:
    """Return all files below a folder; links to folders are listed like files and not followed."""
    found = []
    for place, folders, files in walk(folder):
        folders[:] = [name for name in folders if not hidden(name)]
        links = [name for name in folders if Path(place, name).is_symlink()]
        found += [Path(place, name) for name in (*files, *links) if not hidden(name)]
    return sorted(found)


def _raise(error: OSError) -> None:
    raise error


def hidden(name: str) -> bool:
    """Return whether a file is none of the user's own making."""
    return name.startswith(".") or name == "__MACOSX"  # what macOS adds to a ZIP file


def natural_order(names: Iterable[str]) -> tuple[str, ...]:
    """Sort names so that numbers in them count as numbers: 2 before 10; otherwise as Python sorts text."""
    return tuple(sorted(names, key=lambda name: ([*map(_weight, re.findall(r"[0-9]+|[^0-9]", name))], name)))


def _weight(part: str) -> tuple[int, int]:
    return (ord("0"), int(part)) if part[0] in "0123456789" else (ord(part), 0)


def spelled(name: str) -> str:
    """Replace what is not UTF-8 in a file's name, which could be neither printed nor stored."""
    return os.fsencode(name).decode("utf-8", "replace")


def folders_of(path: str) -> str:
    """Return the folders of a path, fit for display, to go before the file's name."""
    return "".join(f"{display_name(part)}/" for part in PurePosixPath(path).parts[:-1])

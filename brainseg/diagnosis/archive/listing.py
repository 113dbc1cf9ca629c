"""Lists the files of an archive one by one, so that their number does not matter."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from brainseg.datasets.listing import SYSTEM, hidden, refuse_system
from brainseg.errors import DataError
from brainseg.scans import display_name


class Listed(NamedTuple):
    """A file of an archive.

    Attributes:
        path: Its path relative to the archive, as the system spells it, with slashes.
        size: Its size in bytes; -1 if it cannot be looked up.
        changed: When it was last modified, in ns since 1970; 0 if it cannot be looked up.
        fault: The sentence that says why it is known beforehand that there will be no answer; "" if there may be one.
    """

    path: bytes
    size: int
    changed: int
    fault: str = ""


def list_files(root: Path) -> Iterator[Listed]:
    """Yield all files below a folder, in no particular order; only the names of one folder are in memory.

    Hidden files and what operating systems add to folders are left out. Links to folders count as files and are not
    followed. A folder that cannot be opened is yielded with its fault.

    Raises:
        DataError: `root` is not a folder, cannot be opened, or belongs to the operating system.
    """
    if not root.is_dir():
        raise DataError(f"{root} is not a folder: name the folder that holds the archive.")
    refuse_system(root)
    base, waiting = os.fsencode(root), [b""]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(os.path.join(base, place)) as inside:  # noqa: PTH118 - bytes, which `Path` does not take
                for entry in inside:
                    path = place + entry.name
                    if hidden(os.fsdecode(entry.name)):
                        continue
                    if not entry.is_dir(follow_symlinks=False):
                        yield _listed(path, entry)
                    elif Path(os.fsdecode(entry.path)) not in SYSTEM:
                        waiting.append(path + b"/")
        except OSError as error:
            if not place:
                raise DataError(f"{root} cannot be opened ({error.strerror}): name another folder.") from error
            name = display_name(os.fsdecode(place.rstrip(b"/")))
            yield Listed(place, -1, 0, f"The folder {name} cannot be opened ({error.strerror}).")


def _listed(path: bytes, entry: os.DirEntry[bytes]) -> Listed:
    try:
        path.decode("utf-8")
        fault = ""
    except UnicodeDecodeError:
        fault = f"{display_name(os.fsdecode(path))} has a name that is not in UTF-8: rename it."
    try:
        state = entry.stat()
    except OSError:  # a broken link, or deleted in the meantime: reading it reports the error
        return Listed(path, -1, 0, fault)
    return Listed(path, state.st_size, state.st_mtime_ns, fault)

"""The folders of this machine that the pages may open, because anyone who reaches the server's port can type a path.

The command line may open everything that its user may open.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from brainseg import paths
from brainseg.errors import AccessError, DataError
from brainseg.scans import display_name
from brainseg.users.actor import current

FOLDERS = "BRAINSEG_DATA"
"""The environment variable that lists further folders that the pages may open, separated as in PATH."""
ADDED = "BRAINSEG_DATA_FOLDERS"
"""The environment variable with the folders from which pages may add datasets where others than this machine reach
them; if it is not set, those in `FOLDERS`."""


def permitted(path: str | Path) -> str:
    """Return a path that the pages may open, with links followed.

    Raises:
        DataError: It is elsewhere or does not exist. The message is the same for both, so nobody can find out which
            files this machine has.
    """
    text = str(path).strip()
    if not text:
        raise DataError("The path is empty: enter the path of a folder on the server.")
    try:
        place = Path(text).expanduser().resolve()
        if any(place.is_relative_to(folder) for folder in _open_folders()) and place.exists():
            return str(place)
    except (OSError, RuntimeError, ValueError):  # unknown user, links that form a loop, a zero byte
        pass
    raise DataError(
        f"{display_name(text)} does not exist, or the pages may not open it: they may open only brainseg's home folder "
        f"and the folders in {FOLDERS}. Start brainseg with {FOLDERS} set to a folder of images, or add this path with "
        "`python -m brainseg data add`."
    )


def _open_folders() -> list[Path]:
    return [paths.home(), *_named(FOLDERS), *_named(ADDED)]


def _named(variable: str) -> list[Path]:
    named = os.environ.get(variable, "").split(os.pathsep)
    return [Path(name).expanduser().resolve() for name in named if name.strip()]


def refuse_if_not_listed(path: str | Path, known: Iterable[str] = ()) -> None:
    """Refuse a folder of the server that pages may not add, where people sign in or other machines reach the pages.

    Args:
        path: The folder; links are followed.
        known: Paths that are allowed as well: those of listed datasets, for a training.

    Raises:
        AccessError: It is not below an allowed folder, whether or not it exists.
    """
    if not current().confined or not str(path).strip() or str(path) in known:
        return
    try:
        place = Path(path).expanduser().resolve()
        if any(place.is_relative_to(folder) for folder in _named(ADDED) or _named(FOLDERS)):
            return
    except (OSError, RuntimeError, ValueError):  # unknown user, links that form a loop, a zero byte
        pass
    raise AccessError(
        f"{display_name(str(path))} is in no folder from which datasets may be added here: ask the people who run "
        f"brainseg to name its folder in {ADDED}, or upload the images."
    )

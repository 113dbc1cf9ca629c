"""The folders of this machine that the pages may open, because anyone who reaches the server's port can type a path.

The command line may open everything that its user may open.
"""

from __future__ import annotations

import os
from pathlib import Path

from brainseg import paths
from brainseg.errors import DataError
from brainseg.scans import display_name

FOLDERS = "BRAINSEG_DATA"
"""The environment variable that lists further folders that the pages may open, separated as in PATH."""


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
    named = os.environ.get(FOLDERS, "").split(os.pathsep)
    return [paths.home(), *(Path(name).expanduser().resolve() for name in named if name.strip())]

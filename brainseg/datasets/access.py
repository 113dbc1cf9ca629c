"""Which folders of this machine the pages may open: anyone who reaches the server's port can type a path.

The command line runs as its user and may open whatever that user may.
"""

from __future__ import annotations

import os
from pathlib import Path

from brainseg import paths
from brainseg.errors import DataError
from brainseg.scans import display_name

FOLDERS = "BRAINSEG_DATA"
"""The environment variable that names folders which the pages may open, separated as in PATH."""


def permitted(path: str | Path) -> str:
    """Return a path that the pages may open, with links followed.

    Raises:
        DataError: It lies elsewhere or does not exist; one sentence for both, so that nobody can ask which files this
            machine has.
    """
    text = str(path).strip()
    if not text:
        raise DataError("No folder was named: give the path of a folder on the server.")
    try:
        place = Path(text).expanduser().resolve()
        if any(place.is_relative_to(folder) for folder in _open_folders()) and place.exists():
            return str(place)
    except (OSError, RuntimeError, ValueError):  # no such user, links in a circle, a NUL
        pass
    raise DataError(
        f"{display_name(text)} does not exist, or the pages may not open it: they open what lies in brainseg's home "
        f"folder or in a folder that {FOLDERS} names. Start brainseg with {FOLDERS} set to a folder of images, or add "
        "this one with `python -m brainseg data add`."
    )


def _open_folders() -> list[Path]:
    named = os.environ.get(FOLDERS, "").split(os.pathsep)
    return [paths.home(), *(Path(name).expanduser().resolve() for name in named if name.strip())]

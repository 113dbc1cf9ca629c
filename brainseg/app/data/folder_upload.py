"""A folder that a browser sends file by file, put together again and added as a dataset."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import BinaryIO, Protocol

from brainseg.datasets.library import KnownDataset, add_zip
from brainseg.errors import DataError

MOST_FILES = 1000
"""Files of a folder that is sent; each is a request of its own, so that a zip file is faster long before."""
IN_MEMORY = 64 * 1024**2


class Sent(Protocol):
    """A file as the uploader gives it; its name is its path from the chosen folder on, that folder included."""

    name: str

    def getbuffer(self) -> memoryview:
        """Return the content."""


def add_sent_folder(
    files: Sequence[Sent], name: str | None = None, progress: Callable[[int, int], None] | None = None
) -> KnownDataset:
    """Store a folder below the home and make it known; it is held to all that a zip file is held to.

    Args:
        files: Its files.
        name: What to call it; by default as the folder is called.
        progress: Called with (files stored, files in all), and then for reading.

    Raises:
        DataError: There are no files, too many, or not with their folders; or as `add_zip` says.
    """
    if not files:
        raise DataError("No folder was chosen: choose a folder first.")
    if len(files) > MOST_FILES:
        raise DataError(
            f"The folder has {len(files):,} files, and {MOST_FILES:,} can be sent: send it as a zip file, or name a "
            "folder on the server."
        )
    folder = PurePosixPath(files[0].name).parts[0]
    if all(len(PurePosixPath(file.name).parts) < 2 for file in files):
        raise DataError(
            "The files came without their folders, which tell the classes: choose the folder with the button, or send "
            "it as a zip file."
        )
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as packed:
        _pack(files, packed)
        try:
            return add_zip(packed, name or folder, progress)
        except DataError as error:
            raise DataError(str(error).replace("The zip file", "The folder")) from error


def _pack(files: Sequence[Sent], into: BinaryIO) -> None:
    """Write the files as one zip file: what is unsafe about names, kinds and sizes is checked where those are read."""
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name), file.getbuffer())

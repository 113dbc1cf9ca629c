"""A folder that a browser uploads file by file: packed as a zip file, and added as a dataset."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import PurePosixPath
from typing import IO, BinaryIO, Protocol, cast

from brainseg.datasets.library import KnownDataset, add_zip
from brainseg.errors import DataError

NO_FOLDER = "No folder was chosen: choose a folder first."
NO_CLASS_FOLDERS = (
    "The files arrived without their folders, which name the classes: choose the folder with the button, or upload it "
    "as a zip file."
)
MOST_FILES = 1000
"""Most files of an uploaded folder. Each file is a separate request, so a zip file is much faster."""
IN_MEMORY = 64 * 1024**2


class UploadedFile(Protocol):
    """A file from the uploader. Its name is its path, which begins with the chosen folder."""

    name: str

    def getbuffer(self) -> memoryview:
        """Return the content."""


def add_uploaded_folder(
    files: Sequence[UploadedFile],
    name: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    mask_threshold: float | None = None,
) -> KnownDataset:
    """Store a folder below the home and add it to the list of datasets; all limits of a zip file apply.

    Args:
        files: Its files.
        name: Its name; by default that of the folder.
        progress: Called with (files stored, files in all), and then for reading.
        mask_threshold: As `add_zip` takes it.

    Raises:
        DataError: There are no files, too many files, or files without their folders; or `add_zip` raises it.
    """
    if not files:
        raise DataError(NO_FOLDER)
    if len(files) > MOST_FILES:
        raise DataError(
            f"The folder has {len(files):,} files, but at most {MOST_FILES:,} can be uploaded: upload it as a zip "
            "file, or use a folder on the server."
        )
    folder = PurePosixPath(files[0].name).parts[0]
    if all(len(PurePosixPath(file.name).parts) < 2 for file in files):
        raise DataError(NO_CLASS_FOLDERS)
    with tempfile.SpooledTemporaryFile(IN_MEMORY) as packed:
        _pack(files, packed)
        try:
            # It works like a file opened in binary mode; only its declared type differs.
            return add_zip(cast("BinaryIO", packed), name or folder, progress, mask_threshold=mask_threshold)
        except DataError as error:
            raise DataError(str(error).replace("The zip file", "The folder")) from error


def _pack(files: Sequence[UploadedFile], into: IO[bytes]) -> None:
    """Write the files as one zip file; `add_zip` checks their names, kinds and sizes."""
    with zipfile.ZipFile(into, "w", zipfile.ZIP_STORED) as archive:
        for file in files:
            archive.writestr(zipfile.ZipInfo(file.name), file.getbuffer())

"""Find and read the volumes of a file, a folder or a zip file, one at a time."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from brainseg.errors import ScanError
from brainseg.scans.archive import unpack_zip
from brainseg.scans.foreign import DICOM, HEAD, META_IMAGE, NIFTI, NRRD, ZIP, Kind, foreign_kind
from brainseg.scans.names import display_name
from brainseg.scans.reading import MAX_BYTES
from brainseg.scans.volumes.burnt_text import with_text_warning
from brainseg.scans.volumes.dicom_series import dicom_volumes
from brainseg.scans.volumes.itk_files import itk_volume
from brainseg.scans.volumes.nifti import nifti_volumes
from brainseg.scans.volumes.tiff_stack import tiff_volume
from brainseg.scans.volumes.volume import Volume

MAX_FILES = 50_000
"""Most files of a folder, with those in its subfolders."""
FORMATS = "DICOM, NIfTI, NRRD, MetaImage or a TIFF of several pages"
_READ = (DICOM, NIFTI, NRRD, META_IMAGE)
_TIFF = (".tif", ".tiff")


@dataclass(frozen=True)
class Refused:
    """A file or a series that cannot be read.

    Attributes:
        name: What it is called in messages.
        error: One sentence: what is wrong and what to do.
    """

    name: str
    error: str


def read_volumes(path: Path, secret: bytes) -> Iterator[Volume | Refused]:
    """Yield each volume at a path, or why it cannot be read; only one is in memory at a time.

    Files are known by their content, not by their names. In a folder, other files than scans are passed over. A zip
    file is unpacked into a temporary folder, which is deleted at the end.

    Args:
        path: A file, a folder with any subfolders, or a zip file.
        secret: Key of the hashed identifiers, see `paths.secret`.

    Raises:
        ScanError: There is nothing at the path, too much, or nothing that can be read.
        DataError: The zip file is damaged or unsafe.
    """
    if not path.exists():
        raise ScanError(f"{display_name(path.name)} does not exist: check the path.")
    with ExitStack() as stack:
        shown, place = display_name(path.name), path
        if path.is_file() and volume_kind(path) is ZIP:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="brainseg-")))
            with path.open("rb") as stream:
                unpack_zip(stream, place)
        found = False
        for each in _all(place, shown, secret):
            found = True
            yield each if isinstance(each, Refused) else with_text_warning(each)
    if not found:
        raise ScanError(f"{shown} holds no scan that brainseg reads: choose {FORMATS}.")


def _all(place: Path, shown: str, secret: bytes) -> Iterator[Volume | Refused]:
    """Yield the volumes of a file or a folder: first those of DICOM files, which belong together, then file by file."""
    files: list[tuple[Path, Kind | None]] = []
    for file in _files(place):
        kind = volume_kind(file)
        if kind in _READ or (kind is None and file.suffix.lower() in _TIFF):
            files.append((file, kind))
    dicom = [file for file, kind in files if kind is DICOM and file.name.upper() != "DICOMDIR"]
    yield from dicom_files_volumes(dicom, shown, secret)
    for file, kind in files:
        if kind is not DICOM:
            yield from _of_file(file, kind)


def dicom_files_volumes(files: Sequence[Path], name: str, secret: bytes) -> Iterator[Volume | Refused]:
    """Yield the volumes of DICOM files, and at the end what cannot be read; see `dicom_series.dicom_volumes`."""
    refused: list[Refused] = []
    yield from dicom_volumes(files, name, secret, lambda part, error: refused.append(Refused(part, error)))
    yield from refused


def _of_file(file: Path, kind: Kind | None) -> Iterator[Volume | Refused]:
    """Yield the volumes of a file of another format than DICOM; a TIFF has no kind."""
    name = display_name(file.name)
    try:
        if kind is NIFTI:
            yield from nifti_volumes(file)
        elif kind in (NRRD, META_IMAGE):
            yield itk_volume(file, "NRRD" if kind is NRRD else "MetaImage")
        elif volume := tiff_volume(file, MAX_BYTES):
            yield volume
    except ScanError as error:
        yield Refused(name, f"{name} {error}.")
    except OSError as error:
        yield Refused(name, f"{name} cannot be read ({error.strerror}): check its permissions.")


def _files(place: Path) -> list[Path]:
    """Return the plain files of a folder and its subfolders, by path; links and hidden files are left out."""
    if place.is_file():
        return [place]
    found: list[Path] = []
    for folder, folders, names in os.walk(place):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            file = Path(folder, name)
            if not name.startswith(".") and file.is_file() and not file.is_symlink():
                found.append(file)
        if len(found) > MAX_FILES:
            raise ScanError(
                f"{display_name(place.name)} holds more than {MAX_FILES:,} files: choose the folder of one study."
            )
    return found


def volume_kind(file: Path) -> Kind | None:
    """Return the kind of a file by its first bytes; None for an unknown one or one that cannot be read."""
    try:
        with file.open("rb") as stream:
            return foreign_kind(stream.read(HEAD))
    except OSError:
        return None

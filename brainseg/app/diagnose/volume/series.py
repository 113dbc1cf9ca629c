"""Uploaded files -> series, which stay in memory and in this session."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np

from brainseg import extras, paths
from brainseg.errors import DataError, ScanError
from brainseg.scans import display_name
from brainseg.scans.foreign import HEAD, ZIP, foreign_kind

if TYPE_CHECKING:
    from brainseg.scans.volumes.volume import Volume

MEMORY = 2**30
"""Most bytes of voxels that a session keeps."""
LOOSE = "Dropped files"
"""What DICOM files that came without a folder are called together."""
_ID = 16
_FULL = "does not fit into the memory of this session (1 GB): clear the volumes first, or choose fewer series"


@dataclass(frozen=True, eq=False)
class Upload:
    """An uploaded file.

    Attributes:
        id: Unique in the session.
        name: Its name; for a folder, its path in it, which begins with the folder's name.
        content: Its bytes.
    """

    id: str
    name: str
    content: memoryview


@dataclass(frozen=True, eq=False)
class Series:
    """A volume of this session.

    Attributes:
        id: Hash of its values and of where they lie.
        volume: The volume.
    """

    id: str
    volume: Volume


@dataclass(frozen=True)
class Refused:
    """A file or a series that cannot be read, and the sentence that says why."""

    name: str
    reason: str


def grouped(uploads: Sequence[Upload]) -> dict[str, list[Upload]]:
    """Return which files are read together, by what they are called: a zip file, a folder, or all other files."""
    groups: dict[str, list[Upload]] = {}
    for upload in uploads:
        parts = PurePosixPath(upload.name.replace("\\", "/")).parts
        if foreign_kind(bytes(upload.content[:HEAD])) is ZIP:
            name = f"{display_name(upload.name)}\n{upload.id}"  # two zip files of one name are two groups
        else:
            name = display_name(parts[0]) if len(parts) > 1 else LOOSE
        groups.setdefault(name, []).append(upload)
    return groups


def read_group(name: str, uploads: Sequence[Upload], room: int = MEMORY) -> list[Series | Refused]:
    """Read files that belong together; they are on the disk only meanwhile, in a temporary folder.

    Args:
        name: A key of `grouped`.
        uploads: Its files.
        room: Most bytes of voxels; what is more is refused, and never in memory together.

    Raises:
        MissingLibraryError: The libraries that read volumes are not installed.
    """
    for library in ("pydicom", "SimpleITK", "nibabel"):
        extras.require(library, "Reading volumes")
    shown = name.split("\n")[0]
    with tempfile.TemporaryDirectory(prefix="brainseg-") as folder:
        place = Path(folder) / shown
        if name == LOOSE and len(uploads) == 1:
            place = place.with_name(display_name(uploads[0].name))
            place.write_bytes(uploads[0].content)
        elif foreign_kind(bytes(uploads[0].content[:HEAD])) is ZIP:
            place.write_bytes(uploads[0].content)
        else:
            _write(place, uploads)
        try:
            return list(_read(place, room))
        except (ScanError, DataError) as error:
            return [Refused(shown, str(error))]


def synthetic_series() -> list[Series]:
    """Draw a synthetic person's study, one series for each sequence."""
    from brainseg.phantom.sample import sample_study

    return [series_of(volume) for volume in sample_study()]


def series_of(volume: Volume) -> Series:
    """Return a volume as a series of this session."""
    values = np.array(volume.array, np.float32, order="C")  # a copy: a NIfTI may be mapped from its file
    content = hashlib.sha256(values.data)  # as it lies in memory, without another copy
    content.update(b"" if volume.affine is None else volume.affine.tobytes())
    return Series(content.hexdigest()[:_ID], replace(volume, array=values))


def distinct(found: Sequence[Series | Refused]) -> list[Series | Refused]:
    """Return what was read, a series that came twice only once."""
    known: set[str] = set()
    kept: list[Series | Refused] = []
    for each in found:
        if isinstance(each, Series):
            if each.id in known:
                continue
            known.add(each.id)
        kept.append(each)
    return kept


def voxel_bytes(found: Sequence[Series | Refused]) -> int:
    """Return how much memory the voxels of series take."""
    return sum(each.volume.array.nbytes for each in found if isinstance(each, Series))


def _read(place: Path, room: int) -> Iterator[Series | Refused]:
    from brainseg.scans.volumes.reading import read_volumes
    from brainseg.scans.volumes.volume import Volume

    for each in read_volumes(place, paths.secret()):
        if not isinstance(each, Volume):
            yield Refused(each.name, each.error)
        elif each.array.nbytes > room:
            yield Refused(each.name, f"{each.name} {_FULL}.")
        else:
            room -= each.array.nbytes
            yield series_of(each)


def _write(place: Path, uploads: Sequence[Upload]) -> None:
    """Write files below a folder, those of an uploaded folder at their places in it."""
    for number, upload in enumerate(uploads):
        parts = [display_name(part) for part in PurePosixPath(upload.name.replace("\\", "/")).parts]
        inside = parts[1:] if len(parts) > 1 else parts
        file = place.joinpath(*inside)
        if file.exists():  # a scanner gives the same name to files of several series
            file = place / f"{number}" / inside[-1]
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(upload.content)

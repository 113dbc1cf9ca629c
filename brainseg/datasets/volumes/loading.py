"""Read the volumes and the mask of a study, on one grid."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from brainseg.datasets.volumes.labels import whole_labels
from brainseg.datasets.volumes.matlab import matlab_slice
from brainseg.datasets.volumes.study import ImageFile, Study
from brainseg.errors import ScanError
from brainseg.scans import display_name
from brainseg.scans.foreign import DICOM
from brainseg.scans.volumes.dicom_masks import mask_volume
from brainseg.scans.volumes.grid import on_grid
from brainseg.scans.volumes.reading import Refused, dicom_files_volumes, read_volumes, volume_kind
from brainseg.scans.volumes.volume import Volume


@dataclass(frozen=True, eq=False)
class LoadedStudy:
    """A study in memory.

    Attributes:
        volumes: Sequence -> volume, all on one grid; the key is "" for the only volume of a study that names none.
        mask: (X, Y, Z) uint8 labels on that grid; None without a mask.
        resampled: The sequences that were stored on another grid and were interpolated.
        one_slice: Whether it is a slice that was stored as such, in a plane that is unknown.
    """

    volumes: dict[str, Volume]
    mask: NDArray[np.uint8] | None
    resampled: tuple[str, ...]
    one_slice: bool = False


def load_study(study: Study, secret: bytes, sequences: Sequence[str] = ()) -> LoadedStudy:
    """Read a study.

    With a mask, everything is brought to the mask's grid, because labels must not be interpolated; without one, to the
    grid of the first volume.

    Args:
        study: The study.
        secret: Key of the hashed identifiers.
        sequences: Those that are needed; empty for all.

    Raises:
        ScanError: Something cannot be read, is missing or occurs twice, or the files do not lie in one place.
    """
    if study.matlab:
        return _of_matlab(study.matlab, sequences)
    if len(study.masks) > 1:
        raise ScanError(f"it has {len(study.masks)} masks: say which one counts, with a pattern for their paths")
    mask = _single(study.masks[0], secret) if study.masks else None
    found = _chosen(_volumes(study, secret, sequences), sequences)
    reference = mask or next(iter(found.values()))
    placed = {name: on_grid(volume, reference) for name, volume in found.items()}
    moved = [name or "the volume" for name, volume in placed.items() if volume is not found[name]]
    if mask is None:
        return LoadedStudy(placed, None, tuple(moved))
    try:
        return LoadedStudy(placed, whole_labels(mask.array), tuple(moved))
    except ScanError as error:
        raise ScanError(f"its mask {error}") from error


def _of_matlab(file: Path, sequences: Sequence[str]) -> LoadedStudy:
    try:
        volume, marks = matlab_slice(file)
    except ScanError as error:
        raise ScanError(f"its file {error}") from error
    found = _chosen([volume], sequences)
    return LoadedStudy(found, whole_labels(marks), (), one_slice=True)


def _volumes(study: Study, secret: bytes, sequences: Sequence[str]) -> list[Volume]:
    """Return the volumes of a study, with the sequences that file names or lists say."""
    if study.dicom:
        return _readable(dicom_files_volumes(study.dicom, "the study", secret))
    wanted = [image for image in study.images if not sequences or image.sequence in sequences]
    return [_of_image(image, secret) for image in wanted]


def _of_image(image: ImageFile, secret: bytes) -> Volume:
    found = _readable(read_volumes(image.file, secret))
    number = image.number or 0
    if number >= len(found) or (image.number is None and len(found) > 1):
        raise ScanError(f"{display_name(image.file.name)} holds {len(found)} volumes: give a file for each sequence")
    return replace(found[number], sequence=image.sequence or found[number].sequence)


def _single(file: Path, secret: bytes) -> Volume:
    if volume_kind(file) is DICOM:
        try:
            return mask_volume(file)
        except ScanError as error:
            raise ScanError(f"its mask {error}") from error
    found = _readable(read_volumes(file, secret))
    if len(found) != 1:
        raise ScanError(f"its mask holds {len(found)} volumes: save it with one")
    return found[0]


def _readable(found: Iterable[Volume | Refused]) -> list[Volume]:
    volumes: list[Volume] = []
    for each in found:
        if isinstance(each, Refused):
            raise ScanError(each.error)
        volumes.append(each)
    return volumes


def _chosen(volumes: Sequence[Volume], sequences: Sequence[str]) -> dict[str, Volume]:
    """Return sequence -> volume for those that are needed.

    Raises:
        ScanError: One is missing or occurs twice, or it is unknown what the volumes are.
    """
    if not sequences and len(volumes) == 1:
        return {volumes[0].sequence or "": volumes[0]}
    named = [volume for volume in volumes if volume.sequence and (not sequences or volume.sequence in sequences)]
    names = [volume.sequence for volume in named]
    if twice := [name for name in names if names.count(name) > 1]:
        raise ScanError(f"it has {twice[0]} more than once: leave one out")
    if missing := [name for name in sequences if name not in names]:
        raise ScanError(f"it has no {' and no '.join(missing)}")
    if not named:
        raise ScanError(f"it has {len(volumes)} volumes, and nothing says which sequences they are")
    return {str(volume.sequence): volume for volume in named}

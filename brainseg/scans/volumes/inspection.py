"""State what is known about each volume at a path."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from brainseg.scans.volumes.reading import Refused, read_volumes
from brainseg.scans.volumes.volume import Volume


@dataclass(frozen=True)
class VolumeFacts:
    """What is known about a volume, or why it cannot be read.

    Attributes:
        name: As in `Volume`.
        error: Why it cannot be read, one sentence; all other facts are then None or empty.
        format: `Volume.source_format`.
        shape: Sizes along right, anterior and superior; see `Volume` for the orientation.
        spacing_mm: Distance of voxel centres along these axes.
        orientation: Directions of these axes, "RAS" whenever they are known.
        affine: Four rows of four numbers, index -> mm, RAS+.
        stored_shape: Sizes along the axes as stored.
        stored_orientation: Directions of the axes as stored.
        modality: As in `Volume`.
        sequence: As in `Volume`.
        minimum: Smallest value.
        maximum: Largest value.
        patient: Hashed key; the same for all files of a patient that this home folder has read.
        study: Hashed key.
        series: Hashed key.
        warnings: As in `Volume`.
    """

    name: str
    error: str | None = None
    format: str | None = None
    shape: tuple[int, int, int] | None = None
    spacing_mm: tuple[float, float, float] | None = None
    orientation: str | None = None
    affine: list[list[float]] | None = None
    stored_shape: tuple[int, int, int] | None = None
    stored_orientation: str | None = None
    modality: str | None = None
    sequence: str | None = None
    minimum: float | None = None
    maximum: float | None = None
    patient: str | None = None
    study: str | None = None
    series: str | None = None
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the facts for JSON; a volume that cannot be read has only its name and the error."""
        if self.error:
            return {"name": self.name, "error": self.error}
        return {name: value for name, value in asdict(self).items() if name != "error"}


def inspect_volumes(path: Path, secret: bytes) -> Iterator[VolumeFacts]:
    """Yield the facts about each volume; arguments and errors as for `reading.read_volumes`."""
    for each in read_volumes(path, secret):
        yield VolumeFacts(each.name, each.error) if isinstance(each, Refused) else facts(each)


def facts(volume: Volume) -> VolumeFacts:
    """Return what is known about a volume."""
    x, y, z = volume.array.shape
    return VolumeFacts(
        name=volume.name,
        format=volume.source_format,
        shape=(x, y, z),
        spacing_mm=volume.spacing,
        orientation=volume.orientation or None,
        affine=None if volume.affine is None else volume.affine.tolist(),
        stored_shape=volume.stored_shape,
        stored_orientation=volume.stored_orientation or None,
        modality=volume.modality,
        sequence=volume.sequence,
        minimum=float(volume.array.min()),
        maximum=float(volume.array.max()),
        patient=volume.keys.patient or None,
        study=volume.keys.study or None,
        series=volume.keys.series or None,
        warnings=volume.warnings,
    )

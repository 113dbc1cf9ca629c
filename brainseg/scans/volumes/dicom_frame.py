"""The `Frame` object: one slice of a DICOM file, without its pixels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from brainseg.scans.volumes.file_window import Bounds
from brainseg.scans.volumes.geometry import Plane

MARKS = (
    "stack", "type", "echo", "time", "b-value", "direction", "trigger", "acquisition",
)  # fmt: skip
"""What can tell apart two frames at the same position, in the order in which it is asked."""


@dataclass(frozen=True, eq=False)
class Frame:
    """A slice of a DICOM file.

    Attributes:
        file: The file.
        index: Place of the frame in the file, from 0.
        shape: Rows and columns.
        plane: Where it lies; None if the header does not say.
        thickness: Distance to the next slice as the header says it, in mm, for single slices; None if unknown.
        slope: Factor from stored to real values.
        intercept: Real value of a stored 0.
        marks: What may tell it apart from another frame at the same position, by `MARKS`; "" where not given.
        number: Instance number of its file, then its place in the file.
        corner: Row and column of its first pixel in the stored image, for a slice of a mosaic.
        windows: The windows that the header asks for, in rescaled values.
    """

    file: Path
    index: int
    shape: tuple[int, int]
    plane: Plane | None
    thickness: float | None
    slope: float
    intercept: float
    marks: dict[str, str]
    number: tuple[int, int]
    corner: tuple[int, int] = (0, 0)
    windows: tuple[Bounds, ...] = ()

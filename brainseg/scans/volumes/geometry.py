"""Place the slices of a stack in the patient by their positions, and refuse stacks that are no regular grid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from brainseg.errors import ScanError

EVEN = 0.01
"""Largest difference between a gap and the median gap, and largest sideways shift per slice, as a fraction of it."""
SAME_PLACE = 0.01
"""Slices closer than this many mm are at the same position."""
PARALLEL = 1e-3
"""Largest difference between direction cosines of slices of one stack; scanners write some with seven digits."""
_UNIT = 1e-2


@dataclass(frozen=True, eq=False)
class Plane:
    """Where a slice lies, in DICOM's coordinates (LPS, mm).

    Attributes:
        position: (3,) centre of the first pixel.
        rows: (3,) unit vector along a row of pixels, towards larger columns.
        columns: (3,) unit vector down a column of pixels, towards larger rows.
        spacing: Distance between rows and distance between columns, in mm: DICOM's order.
    """

    position: NDArray[np.float64]
    rows: NDArray[np.float64]
    columns: NDArray[np.float64]
    spacing: tuple[float, float]

    @property
    def normal(self) -> NDArray[np.float64]:
        """(3,) unit vector across the slice."""
        return np.cross(self.rows, self.columns)

    @property
    def depth(self) -> float:
        """Position along the normal, in mm."""
        return float(self.position @ self.normal)


def plane(position: Sequence[float], cosines: Sequence[float], spacing: Sequence[float]) -> Plane:
    """Return a slice's plane from the values of its header.

    Args:
        position: ImagePositionPatient, three numbers.
        cosines: ImageOrientationPatient, six numbers.
        spacing: PixelSpacing, two numbers.

    Raises:
        ScanError: The values cannot be a plane. The message has no file name in front.
    """
    place, (rows, columns) = np.array(position, np.float64), np.array(cosines, np.float64).reshape(2, 3)
    lengths = np.linalg.norm(rows), np.linalg.norm(columns)
    sound = np.isfinite([*place, *lengths]).all() and all(abs(length - 1) < _UNIT for length in lengths)
    if not sound or abs(rows @ columns) > _UNIT:
        raise ScanError("has an orientation that is not two perpendicular directions")
    if not all(np.isfinite(value) and 0 < value < 1000 for value in spacing):
        raise ScanError("has a pixel spacing that is not positive")
    return Plane(place, rows / lengths[0], columns / lengths[1], (float(spacing[0]), float(spacing[1])))


def parallel(first: Plane, second: Plane) -> bool:
    """Return whether two slices have the same directions and pixel spacing, but for rounding."""
    differences = [*(first.rows - second.rows), *(first.columns - second.columns)]
    return max(np.abs(differences)) < PARALLEL and bool(np.allclose(first.spacing, second.spacing, rtol=1e-3))


def stack_affine(planes: Sequence[Plane], between: float | None) -> tuple[list[int], NDArray[np.float64]]:
    """Return the order of the slices of a stack along its normal, and its affine.

    Args:
        planes: Parallel slices, in any order, none at the same position.
        between: Distance between slices in mm, for a single slice.

    Returns:
        The places of the slices in the order of the stack, and (4, 4) float64: index (column, row, slice, 1) of the
        ordered stack -> (x, y, z, 1) in mm, RAS+.

    Raises:
        ScanError: Slices are missing, unevenly spaced or shifted sideways, or a single slice has no thickness. The
            message has no file name in front.
    """
    first = planes[0]
    rows, columns = (_mean([getattr(each, side) for each in planes]) for side in ("rows", "columns"))
    normal = np.cross(rows, columns)
    places = np.array([each.position for each in planes])
    depths = places @ normal
    order = [int(place) for place in np.argsort(depths, kind="stable")]
    if len(planes) == 1:
        if not between:
            raise ScanError("is a single slice without a thickness, so it has no volume")
        step = normal * between
    else:
        step = _step(places[order], depths[order], normal)
    lps = np.eye(4)
    lps[:3, 0], lps[:3, 1], lps[:3, 2] = rows * first.spacing[1], columns * first.spacing[0], step
    lps[:3, 3] = places[order[0]]
    return order, np.diag([-1.0, -1.0, 1.0, 1.0]) @ lps


def _mean(directions: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    mean = np.mean(directions, axis=0)
    unit: NDArray[np.float64] = mean / np.linalg.norm(mean)
    return unit


def _step(places: NDArray[np.float64], depths: NDArray[np.float64], normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the vector from one slice to the next, after checking that all gaps are that vector."""
    gaps = np.diff(depths)
    gap = float(np.median(gaps))
    if np.abs(gaps - gap).max() > EVEN * gap:
        raise ScanError(_uneven(gaps, gap))
    step: NDArray[np.float64] = (places[-1] - places[0]) / (len(places) - 1)
    sideways = np.linalg.norm(step - normal * (step @ normal))
    straight = places[0] + np.arange(len(places))[:, None] * step
    if sideways > EVEN * gap:
        raise ScanError(
            f"has slices that are shifted sideways by {sideways:.2f} mm each (gantry tilt): resample it to a "
            "rectangular grid first"
        )
    if np.linalg.norm(places - straight, axis=1).max() > max(EVEN * gap, SAME_PLACE):
        raise ScanError("has slices that do not lie on a straight line: export the series again")
    return normal * gap


def _uneven(gaps: NDArray[np.float64], gap: float) -> str:
    steps = gaps / gaps.min()
    if np.abs(steps - steps.round()).max() < 0.05 and (missing := int((steps.round() - 1).sum())) < len(gaps) + 1:
        holes = "1 slice is missing" if missing == 1 else f"{missing} slices are missing"
        return f"has a gap: {holes} between its {len(gaps) + 1} slices, so copy the whole series"
    return (
        f"has slices at uneven distances ({gaps.min():.2f} to {gaps.max():.2f} mm, mostly {gap:.2f} mm), so it is no "
        "regular grid: export the series again"
    )

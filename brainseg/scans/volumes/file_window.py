"""The window that a file asks for: the values to show as black and as white, for the eyes of people."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

Bounds = tuple[float, float]
"""The values shown as black and as white."""
_SAME = 1e-6


@dataclass(frozen=True)
class FileWindow:
    """A window of a volume as its file states it.

    Scanners write a window into each slice, and most write another one into each. No single one of these fits the whole
    volume, so they are kept as they are.

    Attributes:
        axis: The axis of `Volume.array` along which the slices lie that have their own windows.
        bounds: One pair per slice along that axis, in the order of the array; a single pair if all slices share it.
    """

    axis: int
    bounds: tuple[Bounds, ...]

    @property
    def common(self) -> Bounds | None:
        """The window of all slices; None if they differ."""
        return self.bounds[0] if len(self.bounds) == 1 else None


def dicom_bounds(centres: Sequence[float], widths: Sequence[float]) -> tuple[Bounds, ...]:
    """Return the windows of a DICOM slice, by the linear function of PS3.3 C.11.2.1.2; impossible ones are left out.

    >>> dicom_bounds([600.0], [1200.0])
    ((0.0, 1199.0),)
    """
    pairs = [
        (centre - 0.5 - (width - 1) / 2, centre - 0.5 + (width - 1) / 2)
        for centre, width in zip(centres, widths, strict=False)
        if math.isfinite(centre) and math.isfinite(width) and width > 1
    ]
    return tuple(pairs)


def file_windows(slices: Sequence[Sequence[Bounds]], axis: int, reverse: bool) -> tuple[FileWindow, ...]:
    """Return the windows of a volume from those of its slices.

    Args:
        slices: The windows of each slice, in the order of the stack.
        axis: The axis of the volume's array along which the stack runs.
        reverse: Whether the array runs against the stack.

    Returns:
        As many as every slice states; none if a slice states none.
    """
    found = []
    for number in range(min(map(len, slices), default=0)):
        bounds = [each[number] for each in slices]
        low, high = bounds[0]
        near = _SAME * (high - low)
        if all(abs(one - low) <= near and abs(other - high) <= near for one, other in bounds):
            bounds = bounds[:1]
        found.append(FileWindow(axis, tuple(bounds[::-1] if reverse else bounds)))
    return tuple(found)

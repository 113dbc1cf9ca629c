"""Warn of volumes with text in their pixels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from brainseg.scans.burnt_text import SENTENCE, has_text
from brainseg.scans.volumes.volume import Volume

_LOOKED_AT = 9
_FEWEST = 2
"""Text of a scanner is on every slice, and the search misses some and is wrong on few."""
_AXES = {"R": 0, "L": 0, "A": 1, "P": 1, "S": 2, "I": 2}


def with_text_warning(volume: Volume) -> Volume:
    """Return a volume with a warning if several of its slices, as they were stored, seem to have text in them."""
    axis = _AXES.get(volume.stored_orientation[-1:], 2)
    slices = np.moveaxis(volume.array, axis, 0)
    places = np.unique(np.linspace(0, len(slices) - 1, _LOOKED_AT).round().astype(int))
    # As people look at it: text that is mirrored or upside down is no line of letters with a common foot.
    found = sum(has_text(_grey(slices[place, ::-1, ::-1].T)) for place in places)
    if found < min(_FEWEST, len(places)):
        return volume
    return replace(volume, warnings=(*volume.warnings, SENTENCE))


def _grey(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    low, high = float(values.min()), float(values.max())
    if low == high:
        return np.zeros(values.shape, np.uint8)
    return ((values - low) * (255 / (high - low))).astype(np.uint8)

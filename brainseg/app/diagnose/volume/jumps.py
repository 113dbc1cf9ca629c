"""Where the viewer is to look: a click on a lesion, a slice or a point of a curve shows it there."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from brainseg.app import state
from brainseg.diagnosis.slice_table import largest_slice, middle_voxel
from brainseg.scans.volumes.slices import PLANES

if TYPE_CHECKING:
    from brainseg.diagnosis.volume_mask import VolumeMask


def jump_to_lesion(answer: VolumeMask) -> None:
    """Show the lesion whose row the visitor has chosen, on its largest slice."""
    rows = st.session_state[state.LESIONS]["selection"]["rows"]
    if rows and rows[0] < len(answer.lesions):
        lesion = answer.lesions[rows[0]]
        place = largest_slice(answer.mask, lesion, answer.plane)
        if voxel := middle_voxel(answer.mask, answer.plane, place, lesion):
            _jump(voxel)


def jump_to_point(key: str, plane: str) -> None:
    """Show the slice whose point of a curve the visitor has clicked; `key` is the curve's."""
    if points := st.session_state[key]["selection"]["points"]:
        jump_to_slice(plane, int(points[0]["customdata"][0]) - 1)


def jump_to_slice(plane: str, place: int, mask: NDArray[np.uint8] | None = None) -> None:
    """Show a slice, with the crosshair in what is marked on it; without a mask, it stays where it is on the slice."""
    voxel = None if mask is None else middle_voxel(mask, plane, place)
    _jump(voxel or [place if axis == PLANES[plane] else None for axis in range(3)])


def _jump(voxel: Sequence[int | None]) -> None:
    number = st.session_state.get(state.VIEWER_JUMP, (0,))[0] + 1
    st.session_state[state.VIEWER_JUMP] = (number, list(voxel))

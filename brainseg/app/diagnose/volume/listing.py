"""The list of series: which one is shown, which sequence each is, and what is known about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from brainseg.app import state
from brainseg.app.diagnose.volume.derived import derived
from brainseg.app.diagnose.volume.series import Series
from brainseg.app.widgets.image import draw_png
from brainseg.results.markdown import escape
from brainseg.scans.pixels import find_window, stretch
from brainseg.scans.volumes.sequence import SEQUENCES
from brainseg.scans.volumes.slices import PLANES, cut, pixel_spacing
from brainseg.scans.volumes.volume import Volume

THUMBNAIL = 72
OTHER = "other"
MANY = 4
"""From more series on, the list scrolls on its own."""


def with_sequences(found: Sequence[Series]) -> list[Series]:
    """Return series with the sequences that the visitor has corrected."""
    corrected: dict[str, str] = st.session_state.setdefault(state.SEQUENCES, {})
    return [
        replace(each, volume=replace(each.volume, sequence=None if corrected[each.id] == OTHER else corrected[each.id]))
        if each.id in corrected
        else each
        for each in found
    ]


def choose_shown(found: Sequence[Series]) -> Series:
    """Draw the list of series, and return the one that is shown: the first, until the visitor chooses another one."""
    chosen = st.session_state.get(state.SHOWN_SERIES)
    shown = next((each for each in found if each.id == chosen), found[0])
    st.markdown("**1 series**" if len(found) == 1 else f"**{len(found)} series**")
    with st.container(height=560 if len(found) > MANY else "content", border=False, key="series"):
        for each in found:
            _draw(each, each is shown)
    return shown


def _draw(series: Series, shown: bool) -> None:
    volume = series.volume
    with st.container(border=True, gap="xsmall", key=f"series-{series.id}"):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            image = derived("thumbnail", series.id, lambda: _thumbnail(volume), most=64)
            draw_png(image, f"Middle slice of {volume.name}", width=THUMBNAIL)
            with st.container(gap="xxsmall", width="stretch"):
                st.button(
                    escape(volume.name),
                    key=f"show-{series.id}",
                    type="primary" if shown else "secondary",
                    on_click=_show,
                    args=(series.id,),
                    width="stretch",
                    help="Show this series",
                )
                _choose_sequence(series)
        st.caption(facts_words(volume))
        for sentence in volume.warnings:
            st.caption(f":orange[:material/warning:] {escape(sentence)}")


def facts_words(volume: Volume) -> str:
    """Return size, voxels, orientation and format of a volume in a few words."""
    size = " x ".join(f"{each:,}" for each in volume.stored_shape)
    if volume.spacing is None:
        return f"{size} voxels of unknown size · {volume.source_format}"
    spacing = " x ".join(f"{each:.3g}" for each in volume.spacing)
    return (
        f"{size} voxels, stored {volume.stored_orientation} · {spacing} mm (right, front, up) · {volume.source_format}"
    )


def _choose_sequence(series: Series) -> None:
    key = state.series_sequence(series.id)
    offered = [*SEQUENCES, OTHER]
    st.selectbox(
        f"Sequence of {escape(series.volume.name)}",
        offered,
        index=offered.index(series.volume.sequence or OTHER),
        key=key,
        on_change=_correct,
        args=(series.id, key),
        label_visibility="collapsed",
        help="Read from the header or the file's name; correct it if it is wrong.",
    )


def _correct(series: str, key: str) -> None:
    st.session_state[state.SEQUENCES][series] = st.session_state[key]


def _show(series: str) -> None:
    st.session_state[state.SHOWN_SERIES] = series


def _thumbnail(volume: Volume) -> NDArray[np.uint8]:
    """Return the middle slice of the plane with the largest slices, in its proportions."""
    sizes = volume.array.shape
    plane = max(PLANES, key=lambda each: np.prod(sizes) / sizes[PLANES[each]])
    values = cut(volume.array, plane, sizes[PLANES[plane]] // 2)
    return squared_slice(stretch(values, *find_window(values)), pixel_spacing(volume, plane), 2 * THUMBNAIL)


def squared_slice(grey: NDArray[np.uint8], spacing: tuple[float, float] | None, side: int) -> NDArray[np.uint8]:
    """Return a slice in its proportions in mm in the middle of a black square, (side, side) uint8.

    Args:
        grey: (H, W) uint8, or (H, W, 3).
        spacing: (row, column) in mm; None for square pixels.
        side: Pixels of a side.
    """
    import cv2

    rows, columns = spacing or (1.0, 1.0)
    high, wide = grey.shape[0] * rows, grey.shape[1] * columns
    scale = side / max(high, wide)
    height, width = max(1, round(high * scale)), max(1, round(wide * scale))
    drawn = cv2.resize(np.ascontiguousarray(grey), (width, height), interpolation=cv2.INTER_AREA)
    square = np.zeros((side, side, *grey.shape[2:]), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = drawn
    return square

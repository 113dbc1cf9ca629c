"""Pictures of an answer about a volume: the slices to look at first, and the lesions as surfaces."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from brainseg.app import state
from brainseg.app.charts import chart
from brainseg.app.diagnose.volume.answers import Mask
from brainseg.app.diagnose.volume.derived import derived
from brainseg.app.diagnose.volume.jumps import jump_to_slice
from brainseg.app.diagnose.volume.listing import squared_slice
from brainseg.app.frame import dark
from brainseg.app.widgets.image import draw_png
from brainseg.diagnosis.mask_images import mask_overlay
from brainseg.plots.mask_surface import surface_figure
from brainseg.scans.pixels import stretch
from brainseg.scans.volumes.slices import cut, pixel_spacing, volume_window
from brainseg.scans.volumes.volume import Volume

if TYPE_CHECKING:
    from brainseg.diagnosis.surface import Surface
    from brainseg.diagnosis.volume_mask import VolumeMask

TILE, WIDTH = 220, 138
"""Pixels of the side of a slice that is offered to be looked at first, and its width on the page."""
MOST_SURFACES = 12


def draw_slices(volume: Volume, plane: str, places: Sequence[int], mask: NDArray[np.uint8] | None, kind: str) -> None:
    """Draw slices with a button each, which shows the slice in the viewer.

    Args:
        volume: The volume.
        plane: The plane of the slices.
        places: Their places along the plane's axis.
        mask: Drawn over them; None for none.
        kind: Unique on the page.
    """
    if not places:
        return
    window, spacing = volume_window(volume), pixel_spacing(volume, plane)
    row = st.container(horizontal=True, gap="small")
    for place in places:
        drawn = squared_slice(stretch(cut(volume.array, plane, place), *window), spacing, TILE)
        image = np.repeat(drawn[..., None], 3, axis=2)
        if mask is not None:
            own = (np.asarray(cut(mask, plane, place), np.uint8) > 0).astype(np.uint8) * 255
            image = mask_overlay(image, (squared_slice(own, spacing, TILE) > 127).astype(np.uint8))
        with row, st.container(width=WIDTH, gap="xxsmall"):
            draw_png(image, f"{plane.capitalize()} slice {place + 1}")
            st.button(
                f"Slice {place + 1}",
                key=f"first-{kind}-{place}",
                on_click=jump_to_slice,
                args=(plane, place, mask),
                width="stretch",
                help="Show it above",
            )


def draw_surfaces(mask: Mask) -> None:
    """Draw the section with the surfaces, which are computed when it is opened."""
    section = st.expander("Lesions in 3-D", icon=":material/view_in_ar:", key=state.SURFACES_OPEN, on_change="rerun")
    if not section.open:
        return
    with section:
        head = derived("head", mask.answer.image_sha256, lambda: _head(mask.answer.volume), most=2)
        surfaces = derived("surfaces", mask.id, lambda: _lesions(mask.answer), most=4)
        chart(surface_figure(surfaces, head, dark=dark()), "volume-surfaces", name="lesions-3d")
        if len(mask.answer.lesions) > MOST_SURFACES:
            st.caption(f"The {MOST_SURFACES} largest of {len(mask.answer.lesions)} lesions are drawn.")


def _head(volume: Volume) -> Surface | None:
    from brainseg.diagnosis.surface import head_surface

    return head_surface(volume)


def _lesions(answer: VolumeMask) -> dict[str, Surface]:
    from brainseg.diagnosis.surface import lesion_surfaces

    if answer.volume.affine is None:
        return {}
    named = zip(answer.lesions[:MOST_SURFACES], lesion_surfaces(answer.mask > 0, answer.volume.affine), strict=False)
    return {
        f"Lesion {number}: {lesion.ml:,.2f} ml, {lesion.diameter:,.1f} mm": surface
        for number, (lesion, surface) in enumerate(named, start=1)
    }

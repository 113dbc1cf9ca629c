"""The part of Diagnose for volumes: the list of series, the viewer, and what the models answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import streamlit as st

from brainseg.app import state
from brainseg.app.diagnose.members import Classifiers, Member
from brainseg.app.diagnose.volume.answers import (
    Key,
    Marked,
    answer_key,
    keep_correction,
    session_answers,
    show_progress,
    start_classifying,
    start_marking,
    working,
)
from brainseg.app.diagnose.volume.derived import derived
from brainseg.app.diagnose.volume.results import show_classes, show_finding, show_marked
from brainseg.app.diagnose.volume.series import Refused, Series
from brainseg.app.frame import guarded
from brainseg.app.messages import on_page
from brainseg.app.volume_viewer.component import show_viewer
from brainseg.app.volume_viewer.layout import first_plane, planes_of, windows_of
from brainseg.app.volume_viewer.packing import MOST_VOXELS, pack_volume
from brainseg.diagnosis.mask_images import COLOURS
from brainseg.diagnosis.study import sequences_of
from brainseg.errors import BrainsegError
from brainseg.results.markdown import escape
from brainseg.scans.volumes.slices import PLANES
from brainseg.scans.volumes.volume import Volume

STEPS = (
    (":material/upload_file:", "Drop a scan", "DICOM, NIfTI, NRRD or MetaImage: files, a folder or a zip file."),
    (":material/view_in_ar:", "Look", "Three planes, windows, rulers; it needs no model."),
    (":material/gesture:", "Mark", "A segmentation model marks every slice; the mask is measured in ml and mm."),
    (":material/brush:", "Correct", "Brush, eraser and fill; the model's mask is kept beside yours."),
)
NO_MODEL = "No model is chosen, so nothing can be marked; you can look at the scan and measure distances."


def draw_volumes(
    found: Sequence[Series],
    refused: Sequence[Refused],
    shown: Series | None,
    members: Classifiers,
    model: Member | None,
) -> None:
    """Draw the shown series with what is known about it; without a series, what to do first."""
    with st.container():
        for each in refused:
            st.error(escape(on_page(each.reason)), icon=":material/error:")
    if shown is None:
        _first_steps()
        return
    with st.container(key="answer"):
        _draw_study(found, shown, members, model)


def _first_steps() -> None:
    with st.container(border=True):
        st.header("Drop a scan on the left", anchor=False)
        for column, (icon, title, about) in zip(st.columns(len(STEPS)), STEPS, strict=True):
            column.markdown(f"{icon} **{title}**  \n{about}")


@st.fragment
@guarded
def _draw_study(found: Sequence[Series], shown: Series, members: Classifiers, model: Member | None) -> None:
    """Draw the viewer and the answers; what a visitor does in them does not draw the rest of the page again."""
    # Each part has its own place, whatever is above it: Streamlit creates an element again when it moves, and the
    # viewer would lose what is on it.
    actions, finding, viewer, measurements = (st.container() for _ in range(4))
    busy = working()
    with actions:
        plane = _draw_actions(found, shown, members, model, busy)
    key = answer_key([model], found, shown, plane) if model else ()
    marked = session_answers().kept.get(key)
    marked = marked if isinstance(marked, Marked) else None
    if marked:
        with finding:
            show_finding(marked)
            if not _same_grid(marked.model.answer.volume, shown.volume):
                st.caption("The mask lies on the grid of another series: choose that series to see it.")
    with viewer:
        _draw_viewer(shown, marked, key)
    with measurements:
        if model and marked:
            show_marked(key, marked, model)
        classes = session_answers().kept.get(answer_key(members, found, shown, plane)) if members else None
        if classes is not None and not isinstance(classes, Marked):
            show_classes(classes)


def _draw_actions(
    found: Sequence[Series], shown: Series, members: Classifiers, model: Member | None, busy: bool
) -> str:
    """Draw what can be asked, and how far it is; return the plane of the slices."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        plane = st.selectbox(
            "Slices for the models",
            list(PLANES),
            key=state.VOLUME_PLANE,
            format_func=str.capitalize,
            width=180,
            disabled=busy,
            help="The plane whose slices the models learnt from.",
        )
        if model:
            key = answer_key([model], found, shown, plane)
            st.button(
                "Mark tumours",
                key="mark-volume",
                type="primary",
                icon=":material/gesture:",
                disabled=busy or key in session_answers().kept,
                on_click=partial(_try, start_marking, key, model, found, shown, plane),
                help=_needs(model),
            )
        if members:
            key = answer_key(members, found, shown, plane)
            st.button(
                "Classify every slice",
                key="classify-volume",
                icon=":material/bar_chart:",
                disabled=busy or key in session_answers().kept,
                on_click=partial(_try, start_classifying, key, members, found, shown, plane),
                help="The classifiers judge each slice on its own: a curve along the volume.",
            )
    if not model and not members:
        st.caption(NO_MODEL)
    if busy:
        show_progress()
    elif failed := st.session_state.get(state.VOLUME_FAILED):
        st.warning(escape(on_page(failed)), icon=":material/warning:")
    return plane


def _needs(model: Member) -> str:
    needed = sequences_of(model.description)
    if not needed:
        return "Marks the series that is shown."
    return f"Needs the sequences {', '.join(needed)} of one study; correct a wrong sequence in the list."


def _try(start: Any, *arguments: Any) -> None:  # noqa: ANN401 - what `start` takes
    """Start work; show an error as a message when the page is next drawn."""
    try:
        start(*arguments)
    except BrainsegError as error:
        st.session_state[state.VOLUME_FAILED] = str(error)


def _draw_viewer(shown: Series, marked: Marked | None, key: Key) -> None:
    volume = shown.volume
    if volume.array.size > MOST_VOXELS:
        st.info(
            f"{escape(volume.name)} has more than {MOST_VOXELS // 10**6} million voxels, too many to be shown in a "
            "browser: it can still be marked.",
            icon=":material/info:",
        )
        return
    packed = derived("packed", shown.id, lambda: pack_volume(volume, shown.id), most=3)
    windows, model_window, start = derived("windows", shown.id, lambda: windows_of(volume), most=64)
    jump = st.session_state.get(state.VIEWER_JUMP)
    data = {
        "id": shown.id,
        "shape": volume.array.shape,
        "spacing": volume.spacing,
        "affine": None if volume.affine is None else volume.affine.tolist(),
        "planes": planes_of(volume),
        "plane": first_plane(volume),
        "windows": windows,
        "model_window": model_window,
        "start_window": start,
        "masks": _masks(marked, volume),
        "jump": jump and {"count": jump[0], "voxel": jump[1]},
    }
    show_viewer(state.VIEWER, packed, data, partial(_take_correction, key))


def _masks(marked: Marked | None, volume: Volume) -> dict[str, Any] | None:
    """Return the masks as the viewer takes them; None if they are not on the grid of the shown volume."""
    if marked is None or not _same_grid(marked.model.answer.volume, volume):
        return None
    return {
        "key": marked.key,
        "classes": list(marked.model.answer.ml),
        "colours": COLOURS,
        "model": marked.model.packed,
        "person": marked.person and marked.person.packed,
        "person_id": marked.person.id if marked.person else "",
    }


def _same_grid(one: Volume, other: Volume) -> bool:
    if one.array.shape != other.array.shape or one.affine is None or other.affine is None:
        return False
    return bool(np.allclose(one.affine, other.affine, atol=1e-3))


def _take_correction(key: Key) -> None:
    """Take a mask that the visitor keeps; show an error as a message."""
    _try(keep_correction, key, st.session_state[state.VIEWER].get("corrected"))

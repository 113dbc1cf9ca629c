"""What the models answered about a volume: the finding, its doubts, lesions, curves, slices, surfaces and downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from brainseg.app import state
from brainseg.app.charts import chart
from brainseg.app.diagnose.members import Member
from brainseg.app.diagnose.volume.answers import Key, Marked, Mask, drop_correction
from brainseg.app.diagnose.volume.downloads import offer_files
from brainseg.app.diagnose.volume.jumps import jump_to_lesion, jump_to_point
from brainseg.app.diagnose.volume.pictures import draw_slices, draw_surfaces
from brainseg.app.frame import dark
from brainseg.diagnosis.doubts import UNLIKE
from brainseg.diagnosis.mask_images import CAPTION
from brainseg.diagnosis.slice_table import area_table, class_table, first_slices, likely_slices
from brainseg.models.export.names import computed_with
from brainseg.plots.slice_curve import area_curve_figure, class_curve_figure
from brainseg.results.markdown import escape
from brainseg.scans.volumes.slices import PLANES

if TYPE_CHECKING:
    from brainseg.diagnosis.volume_classes import VolumeClasses
    from brainseg.diagnosis.volume_mask import VolumeMask

CORRECTED, MODELS = "My correction", "The model's mask"
CONNECTED = "Voxels that touch at a corner belong to one lesion. The diameter is the largest distance inside a lesion."


def measured(marked: Marked) -> Mask:
    """Return the mask that is measured: the corrected one, if there is one and the visitor chose no other."""
    return marked.model if marked.person is None or st.session_state.get(state.MEASURED) == MODELS else marked.person


def show_finding(marked: Marked) -> None:
    """Draw the warnings and what the model was trained on before the finding."""
    answer = measured(marked).answer
    if answer.in_domain is False:
        st.header(escape(UNLIKE), anchor=False)
    if answer.warnings:
        st.warning("  \n".join(map(escape, answer.warnings)), icon=":material/warning:")
    st.markdown(f":material/school: **{escape(answer.origin)}**")
    if answer.in_domain is False:
        st.markdown(f":gray[If it were, the answer would be: {escape(answer.finding)}]")
    else:
        st.header(escape(short_words(answer)), anchor=False)
        st.markdown(escape(answer.finding))
    by = f" {CAPTION}" if measured(marked) is marked.model else ""
    with_what = computed_with(answer.backend, answer.precision)
    st.caption(
        f"Model {escape(answer.model)} on {answer.plane} slices, in {answer.seconds:.0f} s with {with_what}.{by}"
    )


def short_words(answer: VolumeMask) -> str:
    """Return how much is marked in a few words."""
    if not answer.lesions:
        return "Nothing marked"
    count = "1 lesion" if len(answer.lesions) == 1 else f"{len(answer.lesions)} lesions"
    return f"{answer.total_ml:,.2f} ml marked · {count}"


def show_marked(key: Key, marked: Marked, model: Member) -> None:
    """Draw the measurements of a mask, its slices, its curve, its surfaces and its downloads."""
    if marked.person:
        st.segmented_control(
            "Measured", [CORRECTED, MODELS], default=CORRECTED, key=state.MEASURED, required=True, width="content"
        )
    mask = measured(marked)
    answer = mask.answer
    if answer.lesions:
        st.subheader("Slices to look at first", anchor=False)
        draw_slices(answer.volume, answer.plane, first_slices(answer), answer.mask, "area")
        st.subheader("Lesions", anchor=False)
        _lesions(answer)
    table = area_table(answer)
    chart(
        area_curve_figure(table, answer.plane, dark=dark()),
        state.AREA_CURVE,
        name="marked-area",
        table=table,
        on_select=lambda: jump_to_point(state.AREA_CURVE, answer.plane),
        selection_mode="points",
    )
    draw_surfaces(mask)
    st.subheader("Downloads", anchor=False)
    offer_files(marked.model.answer, model, corrected=False)
    if marked.person:
        offer_files(marked.person.answer, model, corrected=True)
        st.button(
            "Remove my correction",
            key="drop-correction",
            type="tertiary",
            icon=":material/undo:",
            on_click=drop_correction,
            args=(key,),
            help="The model's mask stays.",
        )


def show_classes(answer: VolumeClasses) -> None:
    """Draw the prediction along a volume, and the slices with the highest probability of a tumour."""
    noun = answer.certainty.noun if answer.certainty else "score"
    st.subheader("Classification", anchor=False)
    if answer.warnings:
        st.warning("  \n".join(map(escape, answer.warnings)), icon=":material/warning:")
    st.markdown(f":material/school: **{escape(answer.origin)}**")
    st.markdown(f"**{escape(answer.finding)}**  \n{escape(answer.counts)}")
    draw_slices(answer.volume, answer.plane, likely_slices(answer), None, "class")
    table = class_table(answer)
    shown = (answer.positive,) if answer.positive else answer.classes
    threshold = answer.threshold if answer.positive else None
    chart(
        class_curve_figure(table, answer.plane, shown, threshold, noun, dark=dark()),
        state.CLASS_CURVE,
        name="prediction-by-slice",
        table=table,
        on_select=lambda: jump_to_point(state.CLASS_CURVE, answer.plane),
        selection_mode="points",
    )
    st.caption(f"By {escape(answer.model)}, which learnt from single slices. {answer.rule}")


def _lesions(answer: VolumeMask) -> None:
    """Draw the table of lesions; a click on one shows it in the viewer."""
    rows = [
        {
            "Lesion": number,
            "ml": round(lesion.ml, 3),
            "Diameter, mm": round(lesion.diameter, 1),
            "Right, mm": round(lesion.centre[0], 1),
            "Front, mm": round(lesion.centre[1], 1),
            "Up, mm": round(lesion.centre[2], 1),
            "Slices": f"{lesion.first[PLANES[answer.plane]] + 1} to {lesion.last[PLANES[answer.plane]] + 1}",
        }
        for number, lesion in enumerate(answer.lesions, start=1)
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        width="stretch",
        height="content" if len(rows) < 12 else 420,
        key=state.LESIONS,
        on_select=lambda: jump_to_lesion(answer),
        selection_mode="single-row",
    )
    st.caption(f"Choose a row to see it above. {CONNECTED}")

"""The mask of one answer: its measurements, its overlay, and its agreement with the heatmap."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from brainseg.app.diagnose.answers import Answered
from brainseg.app.diagnose.members import Member
from brainseg.app.diagnose.segmentation_model import evaluation_words
from brainseg.diagnosis.agreement import agreement_sentence
from brainseg.diagnosis.mask_images import CAPTION
from brainseg.diagnosis.outcome_words import BOTH_WRONG, NO_SPACING
from brainseg.diagnosis.words import percent
from brainseg.models.export.names import computed_with
from brainseg.results.markdown import escape


def mask_cells(answered: Answered) -> dict[str, str]:
    """Return the columns that a mask adds to the table of all images; none without a mask."""
    marked, compared = answered.marked, answered.agreement
    if not marked:
        return {}
    cells = {
        f"Area, {marked.area_unit}": f"{marked.area:,.0f}",
        f"Diameter, {marked.length_unit}": f"{marked.diameter:,.1f}",
        "Regions": str(len(marked.regions)),
    }
    return cells | ({"Heat inside": percent(compared.energy_inside)} if compared else {})


def show_mask(answered: Answered, model: Member) -> None:
    """Draw the measurements of a mask, and the comparison with the heatmap if there is one.

    Args:
        answered: The answer; nothing is drawn if it has no mask.
        model: The segmentation model.
    """
    marked = answered.marked
    if marked is None:
        return
    st.subheader("Marked area", anchor=False)
    measures: list[tuple[str, str, str | None]] = [
        ("Area", f"{marked.area:,.0f} {marked.area_unit}", None),
        ("Largest diameter", f"{marked.diameter:,.1f} {marked.length_unit}", "Of any one region, corner to corner."),
        ("Regions", str(len(marked.regions)), "Separate parts; those that touch at a corner count as one."),
    ]
    compared = answered.agreement
    if compared:
        inside = f"A uniform heatmap would have {percent(compared.chance)} inside the mask."
        measures.append(("Heat inside the mask", percent(compared.energy_inside), inside))
    for column, (name, value, about) in zip(st.columns(len(measures)), measures, strict=True):
        column.metric(name, value, help=about)
    if len(marked.areas) > 1:
        areas = {"Class": list(marked.areas), f"Area, {marked.area_unit}": [f"{a:,.0f}" for a in marked.areas.values()]}
        st.dataframe(pd.DataFrame(areas), hide_index=True, width="stretch")
    if answered.answer:
        st.markdown(f"**Agreement of heatmap and mask.** {escape(agreement_sentence(compared, bool(marked.regions)))}")
        st.caption(f"{escape(answered.answer.heatmap_title)}. {BOTH_WRONG}")
    st.caption(f"**{escape(model.name)}** {escape(evaluation_words(model))}")
    unit = "" if marked.spacing else f" {NO_SPACING}"
    with_what = computed_with(marked.backend, marked.precision)
    st.caption(f"{CAPTION} Computed in {marked.seconds:.2f} s with {with_what}.{unit}")

"""Which mask values are tumour: the field of the forms that add a dataset, and the form that sets it later."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from brainseg.app.widgets.dataset_reading import reread
from brainseg.config.data_section import HIGHEST_MASK_VALUE
from brainseg.datasets.library import KnownDataset, set_mask_threshold

HELP = (
    "The setting `data.mask_threshold`, for soft or JPEG masks: values from this number on are tumour, such as 128. "
    "Leave it empty if the values are classes, or if there are no masks."
)


def threshold_input(place: DeltaGenerator, key: str, stored: float | None = None) -> float | None:
    """Draw the field for the mask threshold, and return its value; None if it is empty."""
    return place.number_input(
        "Mask threshold (optional)", 0.0, float(HIGHEST_MASK_VALUE), stored, step=1.0, format="%g", help=HELP, key=key
    )


def mask_values(known: KnownDataset) -> None:
    """Draw the form that sets the mask threshold of a known dataset."""
    key = f"data-threshold-{known.name}"
    with st.expander("Set which mask values are tumour", icon=":material/contrast:"):
        threshold = threshold_input(st.columns(2)[0], key, known.mask_threshold)
        if st.button("Store", key=f"{key}-store", help="Every training on this dataset starts from it."):
            reread(lambda report_progress: set_mask_threshold(known.name, threshold, report_progress))

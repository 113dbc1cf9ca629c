"""The slices on which the masks of runs differ most, with their outlines."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import dark, guarded, offer_csv, show
from brainseg.errors import RunError
from brainseg.evaluation.segmentation import SavedMasks
from brainseg.plots import slice_outlines_figure
from brainseg.results import stored_results as run_results
from brainseg.results.comparison import Comparison
from brainseg.results.run_images import BLACK_SLICES, slice_pixels
from brainseg.results.segmentation.comparison import aligned_slices, slices_that_differ
from brainseg.results.segmentation.tables import fit_words, slices_in_words
from brainseg.runs import Run

SAME_DICE = "These runs have the same Dice on all {} slices."


@st.fragment
@guarded
def show_differing_slices(comparison: Comparison, letter: str) -> None:
    """Draw the table of the slices on which a group's masks differ, and one of them at a time."""
    names = comparison.groups[letter]
    count = len(aligned_slices(comparison, letter))
    rows = slices_that_differ(comparison, letter)
    if rows.empty:
        st.markdown(SAME_DICE.format(count))
        return
    st.markdown(f"On **{len(rows)} of {count}** slices the Dice of these runs differs.")
    st.dataframe(slices_in_words(rows, names), hide_index=True, width="stretch")
    offer_csv("Slices as CSV", rows, f"slices-{letter}", f"slices-csv-{letter}")
    place = st.selectbox(
        "Slice to show",
        range(len(rows)),
        format_func=lambda number: f"{rows['path'][number]}: Dice differs by {rows['difference'][number]:.2f}",
        key=f"slice-{letter}",
    )
    _show_slice(comparison, names, rows.iloc[place])


def _show_slice(comparison: Comparison, names: list[str], row: pd.Series) -> None:
    first = comparison.runs[names[0]].run
    truth = _masks(first, "truth.npz")[row[f"row {names[0]}"]]
    found = {name: _masks(comparison.runs[name].run, "masks.npz")[row[f"row {name}"]] for name in names}
    words = {
        name: fit_words(row[f"dice {name}"], row[f"predicted_pixels {name}"], row["true_pixels"]) for name in names
    }
    pixels = slice_pixels(first, row["path"], row["sha256"], truth.shape)
    figure = slice_outlines_figure(row["path"], pixels, truth, found, words, dark=dark())
    show(figure, f"outlines-{row['sha256'][:12]}", name="compare-outlines")
    st.caption(BLACK_SLICES)


def _masks(run: Run, name: str) -> SavedMasks:
    masks = run_results.masks(live_store.store(), run, name)
    if masks is None:
        raise RunError(f"{name} of run {run.name!r} is missing, so its outlines cannot be drawn: train the run again.")
    return masks

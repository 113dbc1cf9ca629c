"""The parts of the Compare page that are about segmentations."""

from __future__ import annotations

import streamlit as st

from brainseg.dashboard.compare.comparison import Comparison
from brainseg.dashboard.compare.table import runs_table
from brainseg.dashboard.figures.comparison_masks import dice_figure
from brainseg.dashboard.page import dark, show

INTERVALS = (
    "In brackets: 95 % intervals by bootstrap over patients, or over slices where no patient is known; from fewer than "
    "ten they are too narrow. Runs whose intervals overlap are not ranked, and no paired test is made of masks."
)


def dice_panel(comparison: Comparison) -> None:
    """Draw the Dice of all runs with its interval."""
    st.subheader("How well the masks fit", anchor=False)
    show(dice_figure(runs_table(comparison), dark=dark()), "dice-figure", name="compare-dice")

"""The comparison of segmentations: Dice, paired tests and the slices on which the masks differ."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from brainseg.app.charts import chart
from brainseg.app.frame import dark
from brainseg.app.segmentation.differing_slices import show_differing_slices
from brainseg.app.widgets.pair_table import draw_pairs
from brainseg.plots.mask_comparison import dice_figure
from brainseg.results.comparison import Comparison
from brainseg.results.comparison_table import runs_table
from brainseg.results.segmentation.comparison import paired_tests, verdicts
from brainseg.results.segmentation.tables import pairs_shown

INTERVALS = (
    "In brackets: 95 % intervals by bootstrap over patients, or over slices where patients are unknown. With fewer "
    "than ten of these they are too narrow. Do not rank runs whose intervals overlap: use the paired test below."
)
TESTED = (
    "Each pair of runs is tested on the same patients, by the Dice of each patient's whole volume, with a permutation "
    "test that flips signs. “Separated” means p below 0.05 after Holm's adjustment for the number of pairs. With five "
    "patients or fewer no difference can be separated. Patients without a tumour are left out. Where patients are "
    "unknown, each slice counts as one patient."
)


def draw_dice(comparison: Comparison) -> None:
    """Draw the Dice of all runs with their intervals."""
    st.header("Overlap of the masks", anchor=False)
    chart(dice_figure(runs_table(comparison), dark=dark()), "dice-figure", name="compare-dice")


def draw_set(comparison: Comparison, letter: str, heading: Callable[[str], object]) -> None:
    """Draw the comparison of segmentations that were evaluated on the same slices."""
    heading("Is the difference significant?")
    _draw_tests(comparison, letter)
    heading("Where their masks differ")
    show_differing_slices(comparison, letter)


def _draw_tests(comparison: Comparison, letter: str) -> None:
    pairs = paired_tests(comparison, letter)
    for sentence in verdicts(comparison, pairs):
        st.markdown(f"- {sentence}")
    draw_pairs(pairs_shown(pairs), letter)
    st.caption(TESTED)

"""Formats and explanations of the columns of numbers on the Compare page, and the table of paired tests."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from brainseg.results.comparison_cells import COSTS, HELP, NOT_DEFINED

EXPLAINED = {
    "p": "Probability of so large a difference, or a larger one, if both runs were equally good.",
    "p (Holm)": "The same, adjusted by Holm's method, since several pairs are tested at once.",
    "Cohen's kappa": "Agreement of the two runs beyond what chance would give: 1 is complete, 0 is chance.",
    "95 % low": "Lower end of the 95 % interval of the difference.",
    "95 % high": "Upper end of the 95 % interval of the difference.",
}


def cost_columns() -> dict[str, Any]:
    """Return the column configuration of `cells.cost_numbers`."""
    return {title: st.column_config.NumberColumn(format="%.4g", help=HELP.get(title)) for title in COSTS}


def pair_columns() -> dict[str, Any]:
    """Return the column configuration of `table.pairs_shown` and `mask_table.mask_pairs_shown`."""
    number = st.column_config.NumberColumn
    signed = ("Difference in accuracy", "Difference in mean Dice", "95 % low", "95 % high")
    return {
        **{name: number(format="%+.3f", help=EXPLAINED.get(name)) for name in signed},
        **{name: number(format="%.3f", help=EXPLAINED[name]) for name in ("p", "p (Holm)")},
        "Same answer (%)": number(format="%.1f"),
        "Cohen's kappa": number(format="%.2f", help=EXPLAINED["Cohen's kappa"]),
    }


def draw_pairs(table: pd.DataFrame, letter: str) -> None:
    """Draw `table.pairs_shown` or `mask_table.mask_pairs_shown` of one group of runs."""
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content",
        key=f"pairs-{letter}",
        column_config=pair_columns(),
        placeholder=NOT_DEFINED,
        alt="Tests of every two runs",
    )

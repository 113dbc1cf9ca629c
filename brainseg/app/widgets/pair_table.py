"""The table of the paired tests of each pair of runs."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from brainseg.results.comparison_cells import NOT_DEFINED

EXPLAINED = {
    "p": "Probability of a difference at least this large if both runs were equally good.",
    "p (Holm)": "The same, adjusted by Holm's method because several pairs are tested.",
    "Cohen's kappa": "Agreement of the two runs beyond chance: 1 is complete agreement, 0 is chance.",
    "95 % low": "Lower end of the 95 % interval of the difference.",
    "95 % high": "Upper end of the 95 % interval of the difference.",
}


def _columns() -> dict[str, Any]:
    """Return the configuration of the columns."""
    number = st.column_config.NumberColumn
    signed = ("Difference in accuracy", "Difference in mean Dice", "95 % low", "95 % high")
    return {
        **{name: number(format="%+.3f", help=EXPLAINED.get(name)) for name in signed},
        **{name: number(format="%.3f", help=EXPLAINED[name]) for name in ("p", "p (Holm)")},
        "Same answer (%)": number(format="%.1f"),
        "Cohen's kappa": number(format="%.2f", help=EXPLAINED["Cohen's kappa"]),
    }


def draw_pairs(table: pd.DataFrame, letter: str) -> None:
    """Draw the tests of one group of runs, from `pairs_shown` or `mask_pairs_shown`."""
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content",
        key=f"pairs-{letter}",
        column_config=_columns(),
        placeholder=NOT_DEFINED,
        alt="Tests of each pair of runs",
    )

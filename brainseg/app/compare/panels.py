"""The parts of the Compare page that all tasks share: the table of runs, and the settings that differ."""

from __future__ import annotations

from typing import Any

import streamlit as st

from brainseg.app.frame import offer_csv
from brainseg.app.tasks import view_of
from brainseg.results.comparison import Comparison
from brainseg.results.comparison_cells import COSTS, HELP, NOT_MEASURED
from brainseg.results.comparison_table import crossval_lines, for_csv, group_lines, runs_shown, runs_table
from brainseg.results.comparison_wording import notes
from brainseg.results.markdown import escape
from brainseg.results.settings_differences import settings_that_differ

SAME_SETTINGS = "All settings of these runs are the same."


def runs_panel(comparison: Comparison) -> None:
    """Draw the table of runs, and a warning if some of them cannot be compared with each other."""
    for number, line in enumerate(group_lines(comparison)):
        if number:
            st.markdown(f"- {escape(line)}")
        else:
            st.warning(line, icon=":material/difference:")
    st.dataframe(
        runs_shown(comparison),
        hide_index=True,
        width="stretch",
        key="runs-compared",
        column_config=_cost_columns(),
        placeholder=NOT_MEASURED,
        alt="The compared runs",
    )
    offer_csv("Table as CSV", for_csv(runs_table(comparison)), "compare", "table-csv")
    st.caption(view_of(comparison.task).intervals(comparison))
    for note in [*crossval_lines(comparison), *notes(comparison)]:
        st.markdown(f"- {note}")


def settings_panel(comparison: Comparison) -> None:
    """Draw the settings in which the runs differ."""
    if sum(not evaluated.run.members for evaluated in comparison.runs.values()) < 2:
        return
    st.header("Settings that differ", anchor=False)
    table = settings_that_differ(comparison)
    if table.empty:
        st.markdown(SAME_SETTINGS)
        return
    st.dataframe(table, hide_index=True, width="stretch", height="content", key="settings", alt="Settings that differ")


def _cost_columns() -> dict[str, Any]:
    """Return the configuration of the columns with a run's costs."""
    return {title: st.column_config.NumberColumn(format="%.4g", help=HELP.get(title)) for title in COSTS}

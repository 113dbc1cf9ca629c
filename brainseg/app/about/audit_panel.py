"""The audit log, for administrators."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pandas as pd
import streamlit as st

from brainseg.app.frame import guarded, offer_csv
from brainseg.users.audit import entries
from brainseg.users.policy import Act, check

PERIODS = {1: "1 day", 7: "7 days", 30: "30 days", 365: "1 year"}
SHOWN = 1000
"""Most lines that are drawn; the download has all."""
COLUMNS = {
    "time": "Time (UTC)",
    "name": "Who",
    "role": "Role",
    "door": "Through",
    "action": "Action",
    "result": "Result",
    "target": "To what",
    "count": "Count",
    "user": "Identifier",
}
WHAT = (
    "Sign-ins, everything that changed something or was refused, downloads, and answers of models. Runs are named by "
    "their id, datasets by the fingerprint of their images. `brainseg audit` shows the same."
)


@st.fragment
@guarded
def audit_panel() -> None:
    """Draw the log of a period, newest lines first, with filters."""
    check(Act.SEE_AUDIT)
    left, middle, right = st.columns([2, 1, 1], vertical_alignment="bottom")
    days = left.segmented_control(
        "Time", list(PERIODS), default=7, format_func=lambda each: PERIODS[each], key="audit-days", required=True
    )
    found = [asdict(entry) for entry in entries(datetime.now(UTC) - timedelta(days=days or 7))]
    table = pd.DataFrame(found, columns=list(COLUMNS)).iloc[::-1].rename(columns=COLUMNS)
    for place, column in ((middle, "Who"), (right, "Result")):
        chosen = place.multiselect(column, sorted(set(table[column])), key=f"audit-{column.lower()}", placeholder="Any")
        table = table[table[column].isin(chosen)] if chosen else table
    st.caption(WHAT)
    if table.empty:
        st.info("The log has no such lines.", icon=":material/info:")
        return
    st.markdown(f"**{len(table):,}** lines" + (f", of which the newest {SHOWN:,} are shown" * (len(table) > SHOWN)))
    shown = table.head(SHOWN).assign(**{"Time (UTC)": table["Time (UTC)"].str[:19].str.replace("T", " ")})
    st.dataframe(shown, hide_index=True, width="stretch", height=min(36 * len(shown) + 38, 560), placeholder="–")
    from brainseg.diagnosis.table import text_cell  # imports what a page can spare

    safe = table.assign(Who=table["Who"].map(text_cell), Identifier=table["Identifier"].map(text_cell))
    offer_csv("Log as CSV", safe, "audit", "audit-csv")

"""An ensemble on the Runs page: its members, and the panels of a run over its predictions."""

from __future__ import annotations

import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import guarded, link, offer_csv
from brainseg.app.runs.leaks_panel import leaks_panel
from brainseg.app.runs.record_panels import data_panel
from brainseg.app.tasks import Panels, view_of
from brainseg.results.ensembles.words import basis_sentence, members_table, problem_of
from brainseg.results.exports import file_stem
from brainseg.results.markdown import escape
from brainseg.runs import Run
from brainseg.runs.ensembles import stored_ensemble

OF_ONE_NETWORK = ("Training", "Heatmaps")
"""Panels of a run that an ensemble does not have: each member has its own."""


def ensemble_panels(run: Run) -> Panels:
    """Return the panels of a finished ensemble."""
    own = view_of(run.config.task).run_panels()
    kept = {name: panel for name, panel in own.items() if name not in OF_ONE_NETWORK}
    return {"Members": members_panel, **kept, "Leaks": leaks_panel, "Data and split": data_panel}


@guarded
def members_panel(run: Run) -> None:
    """The members with their accuracy on the images of the ensemble, and whether it can still answer with them."""
    store = live_store.store()
    described = stored_ensemble(store, run).description
    if problem := problem_of(store, run):
        st.error(escape(problem), icon=":material/error:")
    st.markdown(escape(basis_sentence(described)))
    table = members_table(run, described)
    numbers = {name: st.column_config.NumberColumn(format="%.3f") for name in ("Accuracy", "95 % low", "95 % high")}
    st.dataframe(
        table,
        hide_index=True,
        width="stretch",
        height="content",
        column_config=numbers,
        key="members-table",
        alt="Members of the ensemble",
    )
    known = {each.id for each in live_store.runs()}
    with st.container(horizontal=True):
        for member in run.members:
            if member.run in known:
                link("runs", f"Open {member.name}", icon=":material/query_stats:", run=member.run)
    offer_csv("Members as CSV", table, f"members-{file_stem(run)}", "members-csv")

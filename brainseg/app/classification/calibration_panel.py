"""The panel on how far a classifier's probabilities are calibrated, and the button that calibrates an earlier run."""

from __future__ import annotations

import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import guarded
from brainseg.app.widgets.run_panels import draw_plot
from brainseg.evaluation.calibration import CALIBRATION
from brainseg.models.calibration import Calibration
from brainseg.results import stored_results
from brainseg.results.classification.calibration import calibrate_run, calibration_lines
from brainseg.results.markdown import escape
from brainseg.runs import Run
from brainseg.users.policy import Act, may

MISSING = f"{CALIBRATION} is missing: this run was never calibrated, or its files were removed."


@guarded
def calibration_panel(run: Run) -> None:
    """The reliability diagram, and how far the probabilities are calibrated."""
    store = live_store.store()
    report = stored_results.calibration(store, run)
    if report is None:
        st.info(MISSING)
        allowed = run.answers and may(Act.CALIBRATE, owner=run.owner)
        if allowed and st.button("Calibrate", key="run-calibrate", icon=":material/tune:"):
            calibrate_run(store, run)
            live_store.refresh()
            st.rerun()
        return
    first, *others = map(escape, calibration_lines(report))
    (st.success if isinstance(report["state"], Calibration) else st.warning)(first)
    draw_plot(run, "reliability")
    for line in others:
        st.caption(line)

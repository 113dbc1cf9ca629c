"""The panel on what was measured on a classifier's heatmaps, and the button that measures them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import guarded
from brainseg.app.widgets.dataset_reading import progress_bar
from brainseg.app.widgets.run_panels import draw_plot
from brainseg.diagnosis.heatmap_checks import IMAGES
from brainseg.diagnosis.heatmap_checks.stored import StoredHeatmaps
from brainseg.diagnosis.heatmap_checks.words import check_rows, sample_sentence
from brainseg.diagnosis.pointing import pointing_sentence
from brainseg.results import stored_results
from brainseg.results.classification.heatmaps import measure_run_heatmaps
from brainseg.results.markdown import escape
from brainseg.runs import Run
from brainseg.users.policy import Act, may

COST = (
    f"The check runs the model many times on at most {IMAGES} held-out images. It takes minutes; keep this page open."
)
NOT_CHECKED = f"The heatmaps of this run were not checked yet. {COST}"
OUTDATED = f"The model was changed after this check, for example by a calibration. {COST}"


@guarded
def heatmaps_panel(run: Run) -> None:
    """The measures of the heatmaps, each with one sentence, and the deletion and insertion curves."""
    found = stored_results.heatmaps(live_store.store(), run)
    if found and found["pointing"]:
        st.markdown(escape(pointing_sentence(found["pointing"])))
    checks = found["checks"] if found else None
    if checks is None:
        _offer_check(run, NOT_CHECKED)
    elif run.bundle_digest and not any(each.startswith(checks["version"]) for each in run.bundle_digest.split()):
        _offer_check(run, OUTDATED)
    if found and checks:
        st.caption(escape(sample_sentence(checks)))
        _table(found)
        draw_plot(run, "heatmap_curves")


def _offer_check(run: Run, why: str) -> None:
    st.info(why)
    allowed = run.has_model and may(Act.MEASURE, owner=run.owner)
    if allowed and st.button("Check heatmaps", key="run-heatmaps", icon=":material/science:"):
        with progress_bar("Measuring heatmaps") as report_progress:
            measure_run_heatmaps(live_store.store(), run, report_progress=report_progress)
        live_store.refresh()
        st.rerun()


def _table(found: StoredHeatmaps) -> None:
    rows = check_rows(found)
    table = pd.DataFrame(
        {
            "Measure": [row.measure for row in rows],
            "Value": [row.value for row in rows],
            "95 % interval": [row.interval for row in rows],
            "n": [row.n for row in rows],
            "What it shows": [row.meaning for row in rows],
        }
    )
    st.table(table.set_index("Measure"))

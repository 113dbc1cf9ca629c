"""The panel of a run on its robustness: its answers on worse images, and the button that measures them."""

from __future__ import annotations

import streamlit as st

from brainseg.app import live_store, state
from brainseg.app.charts import chart
from brainseg.app.frame import dark, guarded, link, offer_csv
from brainseg.app.runs.actions import announce
from brainseg.jobs.robustness import check_under_way, submit_check
from brainseg.plots.robustness_curve import robustness_figure
from brainseg.results.exports import file_stem
from brainseg.results.markdown import escape
from brainseg.results.robustness import (
    Measure,
    basis_sentences,
    finished_words,
    measures_of,
    robustness_table,
    sentences,
    stored_robustness,
)
from brainseg.robustness.plan import IMAGES, CheckPlan
from brainseg.robustness.result import RobustnessReport
from brainseg.runs import Run
from brainseg.users.policy import Act, may

ABOUT = (
    "A robustness check makes the held-out images of this run worse, by noise, blur, contrast, rotation, JPEG, "
    "resolution, bias field and motion, each at five strengths, and measures how the answers change. It takes minutes, "
    f"uses at most {IMAGES} images, and waits in the queue like a training."
)
TAB = "Robustness"
"""Name of the panel among those of a run."""
LIMITS: dict[Measure, tuple[float, float] | None] = {"stability": (-1, 1), "nll": None}
"""Measure -> its lowest and highest value, where these are not 0 and 1."""


@guarded
def robustness_panel(run: Run) -> None:
    """The answers of a run's model on worse images."""
    report = stored_robustness(live_store.store(), run)
    if report is None:
        st.info(ABOUT)
    _offer(run, again=report is not None)
    if report is not None:
        _draw(run, report)


@guarded
def _offer(run: Run, *, again: bool) -> None:
    """Draw the button that queues a check, or a link to the check that is in the queue."""
    if check := check_under_way(live_store.runs(), run):
        st.info(f"{escape(check.name)} is in the queue or running.", icon=":material/schedule:")
        link("runs", "Follow it", icon=":material/query_stats:", run=check.id)
        return
    label = "Measure again" if again else "Measure robustness"
    if may(Act.MEASURE, owner=run.owner) and st.button(label, key="run-robustness", icon=":material/blur_on:"):
        check = submit_check(live_store.store(), run, CheckPlan())
        announce(f"{check.name} is queued; its result appears here.")


@st.fragment
@guarded
def _draw(run: Run, report: RobustnessReport) -> None:
    for sentence in sentences(report):
        st.markdown(f"- {escape(sentence)}")
    names = measures_of(report)
    first: Measure = "metric"
    chosen = st.segmented_control(
        "Measure",
        list(names),
        default=first,
        required=True,
        format_func=lambda name: names[name],
        key=state.robustness_measure(report["metric"]),
    )
    columns = st.columns(2)
    for number, curve in enumerate(report["curves"]):
        values = [report["reference"][chosen], *(point[chosen] for point in curve["points"])]
        figure = robustness_figure(curve, values, names[chosen], LIMITS.get(chosen, (0, 1)), dark=dark())
        with columns[number % 2]:
            chart(figure, f"robustness-{curve['corruption']}", name=f"{curve['corruption']}-{file_stem(run)}")
    for sentence in basis_sentences(report, run):
        st.caption(escape(sentence))
    offer_csv("All values as CSV", robustness_table(report), f"robustness-{file_stem(run)}", "robustness-csv")


@guarded
def check_panel(check: Run) -> None:
    """A robustness check that has finished: where its result is."""
    st.markdown(escape(finished_words(live_store.store(), check)))
    measured = next((run for run in live_store.runs() if check.check and run.id == check.check.run), None)
    if measured:
        link("runs", f"Open {measured.name}", icon=":material/query_stats:", run=measured.id, **{state.RUN_PANEL: TAB})

"""The panel on how a classifier decides: its threshold, and which answers are not certain."""

from __future__ import annotations

import streamlit as st

from brainseg.app import live_store
from brainseg.app.frame import guarded
from brainseg.app.widgets.run_panels import draw_plot
from brainseg.diagnosis.operating_words import operating_lines
from brainseg.evaluation.operating import Goals
from brainseg.models.operating_point import MarginGoal, ThresholdGoal
from brainseg.results.bundle_changes import description_of
from brainseg.results.classification.operating_point import set_operating_point
from brainseg.results.markdown import escape
from brainseg.runs import Run
from brainseg.users.policy import Act, may

THRESHOLDS = {
    "none": "Highest probability",
    "sensitivity": "Wanted sensitivity",
    "specificity": "Wanted specificity",
    "cost": "Cost of a missed image",
    "threshold": "Threshold itself",
}
MARGINS = {
    "none": "Default (20 points)",
    "accuracy": "Wanted accuracy",
    "coverage": "Wanted coverage",
    "margin": "Margin itself",
}
FIRST = {
    "sensitivity": 0.95,
    "specificity": 0.95,
    "cost": 10.0,
    "threshold": 0.5,
    "accuracy": 0.95,
    "coverage": 0.9,
    "margin": 0.2,
}
"""The value that each field shows first."""


@guarded
def operating_panel(run: Run) -> None:
    """How the model decides, what this gives on held-out images, and a form to change it."""
    described = description_of(live_store.store(), run)
    first, *others = operating_lines(described.decides, described.positive, len(described.classes))
    st.info(escape(first), icon=":material/tune:")
    for line in others:
        st.markdown(escape(line))
    left, right = st.columns(2)
    with left:
        draw_plot(
            run,
            "thresholds",
            "A threshold needs a positive class, and stored predictions.",
        )
    with right:
        draw_plot(run, "coverage", "The predictions of the validation set are missing or cannot be used.")
    st.caption(
        "Both plots show the validation set without copies of training images. Metrics and the confusion matrix of the "
        "other tabs are of the class with the highest probability."
    )
    if may(Act.THRESHOLD, owner=run.owner):
        _form(run, described.positive)


def _form(run: Run, positive: str | None) -> None:
    with st.container(border=True):
        st.markdown("**Change how the model decides.** It gets a new version, since its answers change.")
        left, right = st.columns(2)
        with left:
            by_threshold = _goal("threshold", "Choose the threshold by", THRESHOLDS, positive is None)
        with right:
            by_margin = _goal("margin", "Choose the certain answers by", MARGINS, False)
        if st.button("Store in the model", key="operating-store", icon=":material/save:"):
            goals = Goals(
                ThresholdGoal.model_validate(by_threshold) if by_threshold else None,
                MarginGoal.model_validate(by_margin) if by_margin else None,
            )
            with st.spinner("Choosing on held-out images"):
                set_operating_point(live_store.store(), run, goals)
            live_store.refresh()
            st.rerun()


def _goal(name: str, title: str, kinds: dict[str, str], fixed: bool) -> dict[str, object] | None:
    """Draw the choice of a goal with its value; return None for the default."""
    kind = st.selectbox(
        title,
        list(kinds),
        format_func=lambda each: kinds[each],
        key=f"operating-{name}",
        disabled=fixed,
        help="This model has no positive class, so it has no threshold." if fixed else None,
    )
    if kind == "none" or fixed:
        return None
    highest = 1000.0 if kind == "cost" else 0.999
    value = st.number_input(
        "False alarms that a missed image is worth" if kind == "cost" else "Value, 0 to 1",
        min_value=0.001,
        max_value=highest,
        value=FIRST[kind],
        step=1.0 if kind == "cost" else 0.01,
        format="%.3f",
        key=f"operating-{name}-{kind}",
    )
    return {"of": kind, "value": value}

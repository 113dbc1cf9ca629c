"""Monitoring: what models answered on this machine, and whether the images have changed."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from brainseg.app import live_store
from brainseg.app.charts import chart
from brainseg.app.frame import dark, link, offer_csv, page
from brainseg.monitoring.drift import newest_images
from brainseg.plots.monitoring import confidence_figure, distance_figure, volume_figure
from brainseg.results.markdown import escape
from brainseg.results.monitoring import MonitoredModel, monitored_models, sign_sentence, verdict_sentence
from brainseg.users.actor import current

PERIODS = {1: "1 day", 7: "7 days", 30: "30 days", 365: "1 year"}
NOTHING = "No model has answered in this time. Answers on Diagnose and of `brainseg predict` appear here."
KEPT = (
    "The log stays on this machine. It holds time, model, hash of the image file, outcome, confidence and what the "
    "guard said: no images and no names. Samples are not logged. `brainseg monitor --clear` deletes it."
)


def draw() -> None:
    """Draw the page."""
    with page("Monitoring", "What models answered here, and whether the images still look like those they know."):
        days = st.segmented_control(
            "Time",
            list(PERIODS),
            default=30,
            format_func=lambda each: PERIODS[each],
            key="monitoring-days",
            bind="query-params",
            required=True,
        )
        models = monitored_models(live_store.store(), float(days or 30))
        st.caption(KEPT)
        if not models:
            st.info(NOTHING, icon=":material/info:")
            link("diagnose", "Diagnose an image", icon=":material/radiology:")
            return
        answers = pd.concat([each.answers for each in models], ignore_index=True)
        _volume(answers, float(days or 30))
        for number, model in enumerate(models):
            _draw_model(model, number)


def _volume(answers: pd.DataFrame, days: float) -> None:
    places = st.columns(3)
    outcomes = answers["outcome"].value_counts(normalize=True)
    places[0].metric("Answers", f"{len(answers):,}", border=True)
    for place, outcome in zip(places[1:], ("not certain", "not like the training images"), strict=True):
        place.metric(outcome.capitalize(), f"{100 * outcomes.get(outcome, 0.0):.1f} %", border=True)
    chart(volume_figure(answers, days, dark=dark()), "volume", name="answers-by-day")
    shown = answers if current().has("admin") and answers["owner"].any() else answers.drop(columns="owner")
    offer_csv("All answers as CSV", shown, "monitoring", "monitoring-csv")


def _draw_model(model: MonitoredModel, number: int) -> None:
    st.header(escape(model.model), anchor=False, divider="gray")
    if model.alarms:
        st.error(verdict_sentence(model), icon=":material/notifications_active:")
    else:
        st.info(verdict_sentence(model), icon=":material/monitoring:")
    for sign in model.signs:
        icon = ":material/error:" if sign.alarming else ":material/check:"
        st.markdown(f"{icon} {sign_sentence(sign)}")
    newest = newest_images(model.answers)
    left, right = st.columns(2)
    confidence = newest["confidence"].dropna()
    if len(confidence):
        reference = model.reference.confidence.tolist() if model.reference else None
        with left:
            figure = confidence_figure(confidence.to_list(), reference, dark=dark())
            chart(figure, f"confidence-{number}", name="confidence")
    with right:
        chart(distance_figure(newest, dark=dark()), f"distance-{number}", name="distance")

"""Home: what brainseg is, the main pages, what is running, and the best model so far."""

from __future__ import annotations

import streamlit as st

from brainseg.app.frame import page
from brainseg.app.home.panels import demo_switch, live, navigation_cards
from brainseg.app.navigation import demo_mode

WHAT = (
    "brainseg trains ResNet models on folders of brain MRI slices and evaluates them on held-out images. For a single "
    "image it shows the prediction, how sure the model is, and the regions that influenced it. Every metric comes with "
    "a confidence interval and sample size. Your images stay on the machine that runs brainseg."
)


def draw() -> None:
    """Draw the page."""
    with page("brainseg", WHAT):
        if not demo_mode():
            demo_switch()
        navigation_cards()
        with st.container(key="live-home"):
            live()
        if demo_mode():
            demo_switch()

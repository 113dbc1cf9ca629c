"""The frame around the pages: navigation and title. Start it with `streamlit run streamlit_app.py`."""

from __future__ import annotations

import streamlit as st

from brainseg.dashboard.page import DEMO_PAGES, PAGES, demo_mode

ICONS = {
    "home": "home",
    "diagnose": "radiology",
    "train": "model_training",
    "runs": "query_stats",
    "compare": "compare",
    "data": "database",
    "about": "info",
}

st.set_page_config(page_title="brainseg", page_icon=":material/neurology:", layout="wide")
offered = DEMO_PAGES if demo_mode() else tuple(PAGES)
st.navigation(
    [
        st.Page(f"pages/{name}.py", title=PAGES[name], icon=f":material/{ICONS[name]}:", default=name == "home")
        for name in offered
    ],
    position="top",
).run()

"""The frame around the pages: navigation and title. Start it with `streamlit run streamlit_app.py`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from brainseg import dashboard
from brainseg.dashboard.page import DEMO_PAGES, PAGES, caught, demo_mode
from brainseg.dashboard.serving import keep_to_itself

ICONS = {
    "home": "home",
    "diagnose": "radiology",
    "train": "model_training",
    "runs": "query_stats",
    "compare": "compare",
    "data": "database",
    "about": "info",
}

keep_to_itself()  # also where the server was started by hand
# A file of our own: a named icon would be fetched from its maker's server.
st.set_page_config(page_title="brainseg", page_icon=str(Path(dashboard.__file__).with_name("icon.png")), layout="wide")
offered = DEMO_PAGES if demo_mode() else tuple(PAGES)
pages = st.navigation(
    [
        st.Page(f"pages/{name}.py", title=PAGES[name], icon=f":material/{ICONS[name]}:", default=name == "home")
        for name in offered
    ],
    position="top",
)
with caught():  # also what goes wrong before a page has begun
    pages.run()

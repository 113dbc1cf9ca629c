"""The server's application, which `streamlit run` finds in this file: the pages, and addresses for programs."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from brainseg.app.endpoints import ROUTES

app = st.App(Path(__file__).with_name("main.py"), routes=ROUTES)

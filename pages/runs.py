"""Runs: the page by itself; `streamlit_app.py` shows it with the others."""

from brainseg.app.runs.page import draw

draw()

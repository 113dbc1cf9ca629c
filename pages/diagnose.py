"""Diagnose: the page by itself; `streamlit_app.py` shows it with the others."""

from brainseg.app.diagnose.page import draw

draw()

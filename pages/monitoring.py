"""Monitoring: the page by itself; `streamlit_app.py` shows it with the others."""

from brainseg.app.monitoring.page import draw

draw()

"""Data: the page by itself; `streamlit_app.py` shows it with the others."""

from brainseg.app.data.page import draw

draw()

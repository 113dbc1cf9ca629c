"""Read: the page by itself; `streamlit_app.py` shows it with the others."""

from brainseg.app.read.page import draw

draw()

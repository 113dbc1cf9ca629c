"""Compare: the page by itself; `streamlit_app.py` shows it with the others."""

from brainseg.app.compare.page import draw

draw()

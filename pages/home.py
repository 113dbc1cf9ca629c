"""Home: the page by itself; `streamlit_app.py` shows it with the others."""

from brainseg.app.home.page import draw

draw()

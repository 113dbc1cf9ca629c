"""About: the page by itself; `streamlit_app.py` shows it with the others."""

from brainseg.app.about.page import draw

draw()

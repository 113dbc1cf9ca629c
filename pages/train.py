"""Train: the page by itself; `streamlit_app.py` shows it with the others."""

from brainseg.app.train.page import draw

draw()

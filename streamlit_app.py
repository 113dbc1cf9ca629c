"""The dashboard in a checkout: `streamlit run streamlit_app.py`."""

from brainseg.app.main import main

main()

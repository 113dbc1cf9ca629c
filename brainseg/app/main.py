"""The dashboard's main script: the navigation around the pages."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from brainseg.app.frame import caught
from brainseg.app.navigation import DEMO_PAGES, PAGES, demo_mode, st_page
from brainseg.app.serving import ask_no_outside_server

ICON = Path(__file__).with_name("icon.png")


def main() -> None:
    """Draw the page that the visitor has opened, below the navigation."""
    ask_no_outside_server()  # also where the server was started by hand
    # An own file: Streamlit would fetch a named icon from an outside server.
    st.set_page_config(page_title="brainseg", page_icon=str(ICON), layout="wide")
    offered = DEMO_PAGES if demo_mode() else tuple(PAGES)
    shown = st.navigation([st_page(name) for name in offered], position="top")
    with caught():  # also errors before a page has begun
        shown.run()


if __name__ == "__main__":
    main()

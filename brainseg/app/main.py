"""The dashboard's main script: the navigation around the pages."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import streamlit as st

from brainseg.app import model_cache
from brainseg.app.frame import caught, page
from brainseg.app.gate import gate_pages, open_gate
from brainseg.app.navigation import DEMO_PAGES, PAGES, demo_mode, st_page
from brainseg.app.serving import ask_no_outside_server
from brainseg.app.visitor import ask_the_session
from brainseg.imports import exclude_modules

_OTHERS = [name for name in PAGES if name not in DEMO_PAGES]
ICON = Path(__file__).with_name("icon.png")


def main() -> None:
    """Draw the page that the visitor has opened, below the navigation."""
    ask_no_outside_server()  # also where the server was started by hand
    ask_the_session()
    admitted = open_gate()
    # A local file: Streamlit would fetch a named icon from an outside server. It is served to those who are let in.
    st.set_page_config(page_title="brainseg", page_icon=str(ICON) if admitted else None, layout="wide")
    if not admitted:
        with caught():
            st.navigation(gate_pages(), position="hidden").run()
        return
    if demo_mode():
        # A page that the navigation does not know would be an error in the browser's console.
        others = [st.Page(_absent(name), title=PAGES[name], url_path=name, visibility="hidden") for name in _OTHERS]
        offered = [*map(st_page, DEMO_PAGES), *others]
    else:
        offered = [st_page(name) for name in PAGES]
    shown = st.navigation(offered, position="top")
    with caught():  # also errors before a page has begun
        shown.run()
    exclude_modules()  # those that this page imported
    model_cache.warm_up_later()


def _absent(name: str) -> Callable[[], None]:
    """Return a function that draws, in place of a page, that a demo session does not have it."""

    def draw() -> None:
        with page(PAGES[name]):
            there = ", ".join(PAGES[other] for other in DEMO_PAGES)
            st.info(f"This demo session has no page {PAGES[name]}. Choose one above: {there}.", icon=":material/info:")

    draw.__name__ = f"absent_{name}"
    return draw


if __name__ == "__main__":
    main()

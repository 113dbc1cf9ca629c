"""The pages: their names, titles and icons, and the function that draws each."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from importlib import import_module

import streamlit as st

from brainseg.app import state

PAGES = {
    "home": "Home",
    "diagnose": "Diagnose",
    "train": "Train",
    "runs": "Runs",
    "compare": "Compare",
    "data": "Data",
    "read": "Read",
    "monitoring": "Monitoring",
    "about": "About",
}
"""Name of each page (its folder in `app` and its address) -> its title, in the order of the navigation."""
DEMO_PAGES = ("home", "diagnose", "compare", "read")
ICONS = {
    "home": "home",
    "diagnose": "radiology",
    "train": "model_training",
    "runs": "query_stats",
    "compare": "compare",
    "data": "database",
    "read": "visibility",
    "monitoring": "monitoring",
    "about": "info",
}


def demo_mode() -> bool:
    """Return whether this is a demo session: it changes nothing in the store and has only `DEMO_PAGES`.

    Visitors may answer in reader studies, which are not in the store, but neither make nor end one.
    """
    return os.environ.get("BRAINSEG_DEMO", "") not in ("", "0") or bool(st.session_state.get(state.DEMO_SESSION))


def st_page(name: str) -> st.Page:
    """Return Streamlit's object for a page, for the navigation and for links."""
    return st.Page(
        _drawing(name),
        title=PAGES[name],
        icon=f":material/{ICONS[name]}:",
        url_path=None if name == "home" else name,
        default=name == "home",
    )


@cache
def _drawing(name: str) -> Callable[[], None]:
    """Return the function that draws a page; it imports the page's modules when the page is first shown."""

    def draw() -> None:
        import_module(f"brainseg.app.{name}.page").draw()

    draw.__name__ = name
    return draw

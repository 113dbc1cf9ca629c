"""Links from page to page, as tests see them."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def links(app: AppTest) -> list[str]:
    """Return the names of the pages that links lead to, in the order of the links; Home is ""."""
    return [link.proto.page for link in app.get("page_link")]

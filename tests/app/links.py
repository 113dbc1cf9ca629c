"""Links from page to page, as tests see them."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest


def links(app: AppTest) -> list[str]:
    """Return the labels of the links to other pages, in their order."""
    return [link.proto.label for link in app.get("page_link")]

"""The parameters of a page's address: a link shows what its sender saw. Visitors can type anything into an address.

Streamlit itself binds filters, tabs and the like (`bind="query-params"`) and drops values that it does not offer.
Parameters that name runs are read and written here.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

import streamlit as st

from brainseg.results.markdown import escape
from brainseg.runs import Run
from brainseg.runs.run import matching

LONGEST = 2000
"""Most characters of a parameter that are read."""
SHOWN = 40
"""Most characters of a wrong value that a message repeats."""


def parameter(key: str) -> str:
    """Return a parameter of the address without spaces around it; "" where it is missing."""
    return st.query_params.get(key, "").strip()[:LONGEST]


def set_parameters(**values: str | None) -> None:
    """Write parameters into the address; None or "" removes one. Do not name parameters that are bound to a widget.

    Only changes are written. Streamlit sends each write to the browser; if the visitor has just clicked a link, the
    browser puts the parameters into the address of the next page.
    """
    for key, value in values.items():
        if value and st.query_params.get(key) != value:
            st.query_params[key] = value
        elif not value and key in st.query_params:
            del st.query_params[key]


def named_run(wanted: str, runs: Sequence[Run]) -> tuple[Run | None, str]:
    """Find the run that an address names.

    Args:
        wanted: An id, the first digits of one (at least 4), or a name.
        runs: The runs to search.

    Returns:
        The run and "", or None and a message that says why no run was found, as Markdown.
    """
    found = matching(runs, wanted)
    if len(found) == 1:
        return found[0], ""
    shown = escape(wanted[:SHOWN])
    if found:
        return None, f"{len(found)} runs match {shown}: use more digits of the id, such as {found[0].id[:8]}."
    return None, f"There is no run {shown}: it was deleted, or the address is wrong."


def full_address() -> str:
    """Return the full address of the current view."""
    query = urlencode(st.query_params.to_dict() | _repeated(), doseq=True)
    return f"{st.context.url or ''}{'?' if query else ''}{query}"


def _repeated() -> dict[str, list[str]]:
    """Return the parameters that occur more than once, such as those of a multiple choice."""
    found = {key: st.query_params.get_all(key) for key in st.query_params}
    return {key: values for key, values in found.items() if len(values) > 1}


@st.fragment
def copy_link() -> None:
    """Draw a button that shows the address of this view for copying.

    The address is read when the visitor clicks: parts of a page may have been redrawn without the rest.
    """
    with st.popover("Copy link", icon=":material/link:", key="copy-link", on_change="rerun") as opened:
        if opened.open:
            st.markdown("This link shows the same view:")
            st.code(full_address(), language=None, wrap_lines=True)

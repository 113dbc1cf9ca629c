"""What every page shares: its frame, the disclaimer, links, plots and error messages."""

from __future__ import annotations

import functools
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ParamSpec

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from brainseg import DISCLAIMER, paths
from brainseg.app import state
from brainseg.app.gate import draw_account, draw_gate, open_gate
from brainseg.app.messages import on_page
from brainseg.app.navigation import demo_mode, st_page
from brainseg.app.style import dark as dark
from brainseg.app.style import draw_style
from brainseg.app.visitor import ask_the_session, later
from brainseg.errors import BrainsegError
from brainseg.results.csv_text import csv_bytes
from brainseg.results.markdown import escape
from brainseg.users.policy import Act, check

if TYPE_CHECKING:
    import pandas as pd
    import plotly.graph_objects as go

UNEXPECTED = (
    "Something unexpected happened on this page, and nothing was changed. Reload the page; if it happens again, send "
    "{log} to the people who run brainseg."
)
LOGGER = logging.getLogger(__name__)
Arguments = ParamSpec("Arguments")


@contextmanager
def page(title: str, lead: str = "") -> Iterator[None]:
    """Draw a page's title, lead and disclaimer, then what the `with` block draws; show its errors as messages.

    Args:
        title: Heading of the page.
        lead: One sentence on what the page is for.
    """
    ask_the_session()
    if not open_gate():  # also where a page was opened without the main script
        draw_gate()
        st.stop()
    _run_main_script_first()
    _resend_address(title)
    draw_style(large=demo_mode())
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(title, anchor=False, width="content")
        with st.container(horizontal=True, vertical_alignment="center", width="content"):
            st.badge(DISCLAIMER, icon=":material/science:", color="orange")
            draw_account()
    if lead:
        st.markdown(lead)
    with caught():
        yield


def _run_main_script_first() -> None:
    """Run `streamlit_app.py` first if the first visit to the server is to a page other than Home.

    Until a script has called `st.navigation`, Streamlit treats a folder called `pages` as an older kind of app: it runs
    the page without the frame, beside a list of all pages.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def _resend_address(title: str) -> None:
    """Send the address again when the visitor has opened another page.

    The previous page may have written its own parameters after the click on a link. They would then replace the run
    that the link named, and a reload would show something else.
    """
    if st.session_state.get(state.SHOWN_PAGE) != title:
        st.session_state[state.SHOWN_PAGE] = title
        st.query_params.update({})


def guarded(draw: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Show a fragment's errors as messages, as `page` does: a fragment reruns outside the page's `with` block."""

    @functools.wraps(draw)
    def protected(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        with caught():
            check(Act.LOOK)  # the visit may have ended in another tab
            draw(*args, **kwargs)

    return protected


@contextmanager
def caught() -> Iterator[None]:
    """Show a user error as its message; for any other error, show `UNEXPECTED` and log the traceback.

    Streamlit's signals to stop or rerun a script are not `Exception`s and pass through.
    """
    try:
        yield
    except BrainsegError as error:
        st.error(escape(on_page(error)), icon=":material/error:")
    except Exception:  # a bug in brainseg: the traceback goes into the log, not to the visitor
        st.error(UNEXPECTED.format(log=_log_traceback()), icon=":material/error:")


def _log_traceback() -> str:
    """Log the traceback, and return where to find it."""
    LOGGER.exception("A page failed.")
    try:
        log = paths.subfolder("logs") / "dashboard.log"
        with log.open("a", encoding="utf-8") as stream:
            stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{traceback.format_exc()}\n")
    except (OSError, BrainsegError):
        return "the server's output"
    return str(log)


def link(target: str, label: str, *, icon: str | None = None, **query: str) -> None:
    """Draw a link to another page.

    Args:
        target: A key of `navigation.PAGES`.
        label: Text of the link.
        icon: A Material icon, such as `:material/biotech:`.
        query: Query parameters, such as `run=run.id`.
    """
    st.page_link(st_page(target), label=label, icon=icon, query_params=query or None)


def show(figure: go.Figure, key: str, *, name: str, table: pd.DataFrame | None = None, **options: Any) -> Any:  # noqa: ANN401 - both are plotly_chart's own
    """Draw a plot that visitors can download as PNG and, if it has a table, as CSV.

    Args:
        figure: From `plots`.
        key: Unique on the page.
        name: File name of the downloads, without a suffix.
        table: The plot's values.
        options: Passed on to `st.plotly_chart`.

    Returns:
        What `st.plotly_chart` returns, such as the selection.
    """
    config = {
        "displaylogo": False,
        "showSendToCloud": False,
        "toImageButtonOptions": {"filename": name, "format": "png", "scale": 2},
        "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    }
    chosen = st.plotly_chart(figure, theme=None, key=key, config=config, **options)
    if table is not None:
        offer_csv("Values as CSV", table, name, f"{key}-csv")
    return chosen


def offer_csv(label: str, table: pd.DataFrame, name: str, key: str) -> None:
    """Draw a button that downloads a table.

    Args:
        label: Text of the button.
        table: Written when the button is clicked.
        name: File name, without a suffix.
        key: Unique on the page.
    """
    st.download_button(
        label,
        later(lambda: csv_bytes(table)),
        f"{name}.csv",
        "text/csv",
        key=key,
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )

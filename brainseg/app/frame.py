"""What every page shares: its frame, the disclaimer, links, figures, and one sentence for whatever goes wrong."""

from __future__ import annotations

import functools
import logging
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec

import pandas as pd
import plotly.graph_objects as go
import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from brainseg import DISCLAIMER, paths
from brainseg.app import state
from brainseg.app.messages import on_page
from brainseg.app.navigation import demo_mode, st_page
from brainseg.errors import BrainsegError
from brainseg.results.exports import csv_bytes
from brainseg.results.markdown import escape

UNEXPECTED = (
    "Something unexpected happened on this page, and nothing was changed: reload it, and if it happens again send "
    "{log} to whoever looks after brainseg."
)
STYLE = """<style>
[data-testid="stMainBlockContainer"] { padding-top: 3.5rem }
[data-testid="stImage"] img { background: black }
[data-testid="stFileUploader"] section { max-height: 15rem; overflow-y: auto }
[data-testid="stCaptionContainer"] { opacity: 1; color: light-dark(#5A6472, #A3ADBA) }
[data-testid="stCaptionContainer"] :is(p, li, strong, em) { color: inherit }
[data-testid^="stBaseButton-primary"]:not(:disabled) :is(p, span),
[data-testid="stMultiSelect"] span[title] { color: light-dark(#FFFFFF, #0B0D10) }
@media (max-width: 640px) {
  [data-testid="stMainBlockContainer"] { padding: 3.5rem 1rem 4rem }
  [data-testid="stExpandSidebarButton"]::after { content: "Menu"; padding-left: .25rem; font-size: 1rem }
  [data-testid="stMain"] h1 { font-size: 2rem }
  [data-testid="stColumn"]:has(> div [data-testid="stMetric"]) { min-width: calc(50% - 1rem) }
  [data-testid="stElementContainer"]:has([data-testid="stPlotlyChart"]) { overflow-x: auto }
  [data-testid="stFullScreenFrame"]:has([data-testid="stPlotlyChart"]) { min-width: 34rem }
  [class*="st-key-fits-"] [data-testid="stFullScreenFrame"]:has([data-testid="stPlotlyChart"]) { min-width: 0 }
}
[class*="st-key-live-"] [data-stale="true"] { opacity: 1 !important; transition: none !important }
</style>"""
"""What a page is about comes up as far as possible, so that it fits on one screen; captions have the theme's muted
colour, which stands out 4.5 times from both backgrounds; on a phone the margins shrink, the menu has a name and a plot
keeps its width and is scrolled unless it is drawn for any width; what renews itself every other second does not fade
meanwhile."""

LARGE = """<style>
html { font-size: 19px !important }
[data-testid="stMain"] h2 { font-size: 2.6rem }
</style>"""
"""For a screen that people stand before: all that is measured in rem grows, tables and tags included."""

LOGGER = logging.getLogger(__name__)
Arguments = ParamSpec("Arguments")


@contextmanager
def page(title: str, lead: str = "") -> Iterator[None]:
    """Draw a page's title, lead and disclaimer around what the `with` block draws, and catch what goes wrong in it.

    Args:
        title: Heading of the page.
        lead: One sentence that says what the page is for.
    """
    _enter_through_the_frame()
    _claim_the_address(title)
    st.html(STYLE + (LARGE if demo_mode() else ""))
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.title(title, anchor=False, width="content")
        st.badge(DISCLAIMER, icon=":material/science:", color="orange")
    if lead:
        st.markdown(lead)
    with caught():
        yield


def _enter_through_the_frame() -> None:
    """Run `streamlit_app.py` first where the server's very first visit is to a page other than Home.

    Until a script has called `st.navigation`, Streamlit takes a folder called `pages` for its older kind of app: it
    runs the page without the frame, beside a list of all pages.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()


def _claim_the_address(title: str) -> None:
    """Send the address once more when a visitor has turned to another page.

    The page before may have written its own parameters after the click on a link: they then stand in the address of
    this page, in place of the run that the link named, and a reload would show something else.
    """
    if st.session_state.get(state.SHOWN_PAGE) != title:
        st.session_state[state.SHOWN_PAGE] = title
        st.query_params.update({})


def guarded(draw: Callable[Arguments, None]) -> Callable[Arguments, None]:
    """Protect a fragment as `page` protects a page: its own reruns happen outside the page's `with` block."""

    @functools.wraps(draw)
    def protected(*args: Arguments.args, **kwargs: Arguments.kwargs) -> None:
        with caught():
            draw(*args, **kwargs)

    return protected


@contextmanager
def caught() -> Iterator[None]:
    """Turn a user's error into its sentence, and anything else into one sentence and an entry in the log.

    Streamlit's own signals to stop or rerun a script are no `Exception`s and pass through.
    """
    try:
        yield
    except BrainsegError as error:
        st.error(escape(on_page(error)), icon=":material/error:")
    except Exception:  # the last line of defence: no traceback reaches a visitor
        st.error(UNEXPECTED.format(log=_keep_details()), icon=":material/error:")


def _keep_details() -> str:
    """Write the traceback to the log, and return where that is."""
    LOGGER.exception("A page failed.")
    try:
        log = paths.subfolder("logs") / "dashboard.log"
        with log.open("a", encoding="utf-8") as stream:
            stream.write(f"{time.strftime('%Y-%m-%d %H:%M:%S')}\n{traceback.format_exc()}\n")
    except (OSError, BrainsegError):
        return "the server's output"
    return str(log)


def dark() -> bool:
    """Say whether the visitor's theme is dark, for figures."""
    return st.context.theme.type == "dark"


def link(target: str, label: str, *, icon: str | None = None, **query: str) -> None:
    """Draw a link to another page.

    Args:
        target: A key of `navigation.PAGES`.
        label: What the link says.
        icon: A Material icon, such as `:material/biotech:`.
        query: Query parameters, such as `run=run.id`.
    """
    st.page_link(st_page(target), label=label, icon=icon, query_params=query or None)


def show(figure: go.Figure, key: str, *, name: str, table: pd.DataFrame | None = None, **options: Any) -> Any:  # noqa: ANN401 - both are plotly_chart's own
    """Draw a figure that can be downloaded as PNG and, with its table, as CSV.

    Args:
        figure: From `plots`.
        key: Unique on the page.
        name: File name of the downloads, without an ending.
        table: The figure's values.
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
        label: What the button says.
        table: Written when the button is clicked.
        name: File name, without an ending.
        key: Unique on the page.
    """
    st.download_button(
        label,
        lambda: csv_bytes(table),
        f"{name}.csv",
        "text/csv",
        key=key,
        icon=":material/download:",
        type="tertiary",
        on_click="ignore",
    )

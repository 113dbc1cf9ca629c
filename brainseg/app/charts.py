"""Plots whose title is text of the page: it wraps, screen readers read it, and on a phone the plot has more room."""

from __future__ import annotations

import html
from typing import Any

import pandas as pd
import plotly.graph_objects as go
import streamlit as st

from brainseg.app.frame import show
from brainseg.plots.narrow_layout import fit
from brainseg.results.markdown import escape


def chart(figure: go.Figure, key: str, *, name: str, table: pd.DataFrame | None = None, **options: Any) -> Any:  # noqa: ANN401 - both are plotly_chart's own
    """Draw a plot below its title and subtitle; arguments and result are those of `frame.show`."""
    title = figure.layout.title
    heading, subtitle = (_text(part) for part in (title.text, title.subtitle.text))
    st.markdown(f"**{escape(heading)}**" + (f"  \n:small[{escape(subtitle)}]" if subtitle else ""))
    # Panels side by side, such as slices, need a fixed width: on a phone such a plot scrolls.
    side_by_side = len(list(figure.select_xaxes())) > 1 and figure.layout.xaxis2.domain not in (
        None,
        figure.layout.xaxis.domain,
    )
    with st.container(key=f"{'scrolls' if side_by_side else 'fits'}-{key}"):
        return show(fit(figure), key, name=name, table=table, **{"alt": f"{heading}: {subtitle}", **options})


def _text(marked: str | None) -> str:
    """Return a plot's label without its markup."""
    return html.unescape((marked or "").replace("<br>", " "))

"""Writes a figure as a web page that needs no network."""

from __future__ import annotations

import html
from functools import cache
from pathlib import Path

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from brainseg.files import write_atomically
from brainseg.plots.theme import LIGHT

PLOTLY_JS = "plotly.min.js"
# By default, Plotly.js 4 has a button that uploads the figure to Plotly's cloud. Patient data must stay here.
CONFIG = {"responsive": True, "displaylogo": False, "showSendToCloud": False}
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>html, body {{ height: 100%; margin: 0; background: {background}; }}</style>
</head>
<body>
{figure}
</body>
</html>
"""


def save_html(figure: go.Figure, path: Path) -> None:
    """Write a figure as a web page. All pages in a folder share one copy of plotly.js (4 MB) beside them.

    Each file is complete or absent. The page makes no network requests.

    Args:
        figure: The figure. Its template sets the background of the page.
        path: Where to write the page; missing folders are made.

    Raises:
        OSError: The page cannot be written.
    """
    layout = figure.layout
    body = figure.to_html(full_html=False, include_plotlyjs="directory", config=CONFIG)
    page = PAGE.format(
        title=html.escape(layout.title.text or "Figure"),
        background=layout.paper_bgcolor or layout.template.layout.paper_bgcolor or LIGHT.paper,
        figure=body,
    )
    _put_plotlyjs(path.parent / PLOTLY_JS)
    write_atomically(path, lambda temporary: temporary.write_text(page, encoding="utf-8"))


def _put_plotlyjs(path: Path) -> None:
    """Write plotly.js unless exactly this version is there: an older version may not support new pages."""
    script = _plotlyjs()
    if not path.is_file() or path.read_bytes() != script:
        write_atomically(path, lambda temporary: temporary.write_bytes(script))


@cache
def _plotlyjs() -> bytes:
    """Return plotly.js, which takes longer to read from Plotly's package than a figure takes to draw."""
    script: str = get_plotlyjs()
    return script.encode()

"""A figure as a web page that opens without a network."""

from __future__ import annotations

import html
from pathlib import Path

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from brainseg.files import write_atomically
from brainseg.plots.theme import LIGHT

PLOTLY_JS = "plotly.min.js"
# Plotly.js 4 shows a button by default that uploads the figure to Plotly's cloud. Results on patients stay here.
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
    """Write a figure as a page of its own, with plotly.js (4 MB) once beside all pages of a folder.

    Both files are whole or absent. The page asks for nothing on the network.

    Args:
        figure: The figure, whose template gives the page its background.
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
    """Write plotly.js unless this very version is there: after an upgrade an older one may not read new pages."""
    script = get_plotlyjs().encode()
    if not path.is_file() or path.read_bytes() != script:
        write_atomically(path, lambda temporary: temporary.write_bytes(script))

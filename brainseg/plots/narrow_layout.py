"""Makes a figure readable at any width, also on a phone: it moves texts from beside the plot to above or inside it."""

from __future__ import annotations

import plotly.graph_objects as go

SIDE, TOP = 20, 28
"""Margins in pixels: right of the plot, and above it if no text is there."""
LINE = 22
"""Height in pixels of a line of text above the plot."""
AXIS_NAMES = 2
"""Lines above parallel axes: their names, and the ends of their ranges."""
HALF_NAME = 60
"""Pixels right of the last of parallel axes, whose name is centred on it."""
ABOVE = 15
"""Pixels from a mark up to its value, which was beside the plot before."""


def fit(figure: go.Figure) -> go.Figure:
    """Remove the title, move the legend above the plot and the values beside it inside, and return the figure.

    Plotly neither wraps titles nor shrinks margins: titles would be cut off, and margins would leave no room.

    Args:
        figure: From `plots`; the page shows its title as a heading.
    """
    above = max((note.text.count("<br>") + 1 for note in figure.layout.annotations if (note.y or 0) >= 1), default=0)
    side = SIDE
    if any(trace.type == "parcoords" for trace in figure.data):
        above, side = above + AXIS_NAMES, HALF_NAME
    top = TOP + LINE * above
    figure.update_layout(title={"text": None, "subtitle": {"text": None}}, margin={"r": side, "t": top})
    if any("showlegend" in trace and trace.showlegend is not False and trace.name for trace in figure.data):
        figure.update_traces(legend="legend", selector=lambda trace: "legend" in trace)
        figure.update_layout(
            legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}, legend2=None
        )
    for note in figure.layout.annotations:
        if note.xref == "paper" and note.xanchor == "left" and (note.x or 0) > 1:
            note.update(x=1, xanchor="right", yshift=ABOVE, text=note.text.replace("<br>", " · "))
    return figure

"""A figure that can be read at any width, on a phone as well: nothing beside the plot takes room from it."""

from __future__ import annotations

import plotly.graph_objects as go

SIDE, TOP = 20, 28
"""Margins in pixels: right of the plot, and above it where nothing stands there."""
LINE = 22
"""Height in pixels of a line of text above the plot, such as the titles of its parts."""
ABOVE = 15
"""Pixels by which a value that stood beside the plot is raised above its mark."""


def fit(figure: go.Figure) -> go.Figure:
    """Take the title off, put the legend above the plot and values that stood beside it inside, and return the figure.

    Plotly neither wraps a title nor shrinks a margin: both would be cut off or leave no room for the plot.

    Args:
        figure: From `plots`; its title is for the page to say.
    """
    above = max((note.text.count("<br>") + 1 for note in figure.layout.annotations if (note.y or 0) >= 1), default=0)
    top = TOP + LINE * above
    figure.update_layout(title={"text": None, "subtitle": {"text": None}}, margin={"r": SIDE, "t": top})
    if any("showlegend" in trace and trace.showlegend is not False and trace.name for trace in figure.data):
        figure.update_traces(legend="legend", selector=lambda trace: "legend" in trace)
        figure.update_layout(
            legend={"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"}, legend2=None
        )
    for note in figure.layout.annotations:
        if note.xref == "paper" and note.xanchor == "left" and (note.x or 0) > 1:
            note.update(x=1, xanchor="right", yshift=ABOVE, text=note.text.replace("<br>", " · "))
    return figure

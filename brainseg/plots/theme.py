"""One look for every plot: colours, templates, title and footer, for light and dark pages.

Importing this module registers the Plotly templates `brainseg` and `brainseg_dark`. The colours are those of Okabe and
Ito (2008, "Color Universal Design"), which people with the common kinds of colour blindness can tell apart; light and
dark pages use those with enough contrast. In Streamlit pass `theme=None` to `st.plotly_chart`, which otherwise
applies its own template.
"""

from __future__ import annotations

import html
import textwrap
from dataclasses import dataclass

import plotly.graph_objects as go
import plotly.io as pio
from plotly.colors import hex_to_rgb, unlabel_rgb

from brainseg import DISCLAIMER

FONT = "Inter, 'Source Sans 3', 'Segoe UI', 'Helvetica Neue', Arial, sans-serif"
MARGIN = {"l": 84, "r": 28, "t": 92, "b": 88}
DASHES = ("solid", "dash", "dot", "dashdot")


@dataclass(frozen=True)
class Palette:
    """Colours of one page, as #RRGGBB.

    Attributes:
        paper: Background of the page and the plot.
        ink: Titles, labels and marks.
        muted: Remarks, reference lines and the footer.
        grid: Grid lines.
        shade: Background of a marked region.
        series: Colours of data, in order of use; neighbours differ in lightness and hue.
        scale: Colours from low to high values, for heat maps.
    """

    paper: str
    ink: str
    muted: str
    grid: str
    shade: str
    series: tuple[str, ...]
    scale: tuple[str, ...]


LIGHT = Palette(
    paper="#FFFFFF",
    ink="#1B1F24",
    muted="#5A6472",
    grid="#E3E7EC",
    shade="#E6EBF2",
    series=("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"),
    scale=("#F4F8FB", "#A9CDE5", "#4E9BCB", "#0072B2", "#003F66"),
)
DARK = Palette(
    paper="#0E1117",
    ink="#F2F4F7",
    muted="#A3ADBA",
    grid="#2A313C",
    shade="#1F2733",
    series=("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#FFFFFF"),
    scale=("#161C26", "#123F5E", "#0072B2", "#56B4E9", "#BFE3F8"),
)


def palette(dark: bool) -> Palette:
    """Return the colours for a dark or a light page."""
    return DARK if dark else LIGHT


def series_style(position: int, dark: bool) -> dict[str, str]:
    """Return colour and dash of the line at `position`; both together repeat only after 28 lines."""
    colours = palette(dark).series
    return {"color": colours[position % len(colours)], "dash": DASHES[position // len(colours) % len(DASHES)]}


def translucent(colour: str, opacity: float = 0.2) -> str:
    """Return a colour #RRGGBB with an opacity, for areas behind lines.

    >>> translucent("#FF0000")
    'rgba(255, 0, 0, 0.2)'
    """
    return f"rgba{(*hex_to_rgb(colour), opacity)}"


def text_on(colour: str) -> str:
    """Return near-black or white, whichever has more contrast with a background `rgb(r, g, b)`.

    Contrast is the ratio of luminances in WCAG 2.2; the better of the two is above 4.4 on any colour.
    """
    parts = [value / 255 for value in unlabel_rgb(colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#0B0D10" if (luminance + 0.05) / 0.054 > 1.05 / (luminance + 0.05) else "#FFFFFF"


def readable(name: object, width: int = 18, lines: int = 2) -> str:
    """Return a name as text that Plotly shows literally, wrapped to `width` characters and at most `lines` lines.

    Class and run names come from folders and people, and Plotly would read `<b>` or `<a href>` in them as markup.
    """
    wrapped = textwrap.wrap(str(name), width, max_lines=lines, placeholder="…") or [str(name)]
    return "<br>".join(html.escape(line, quote=False) for line in wrapped)


def finish(figure: go.Figure, title: str, subtitle: str, dark: bool) -> go.Figure:
    """Add template, title, subtitle and the disclaimer to a figure, and return it.

    Set a bottom margin before: the disclaimer goes to its lower edge.
    """
    figure.update_layout(
        template="brainseg_dark" if dark else "brainseg",
        title={"text": title, "subtitle": {"text": subtitle}},
    )
    return figure.add_annotation(
        name="disclaimer",
        text=DISCLAIMER,
        showarrow=False,
        font={"size": 11, "color": palette(dark).muted},
        xref="paper",
        yref="paper",
        x=1,
        y=0,
        xanchor="right",
        yanchor="bottom",
        yshift=8 - (figure.layout.margin.b or MARGIN["b"]),
    )


def write_beside(figure: go.Figure, row: int, name: str, text: str, colour: str) -> None:
    """Write a value to the right of the plot, beside its row, as a named annotation."""
    figure.add_annotation(
        name=name,
        text=text,
        x=1.01,
        xref="paper",
        xanchor="left",
        y=row,
        align="left",
        showarrow=False,
        font={"size": 12, "color": colour},
    )


def remark(figure: go.Figure, text: str, dark: bool) -> go.Figure:
    """Show a sentence instead of the axes, for a figure with nothing to draw, and return the figure."""
    figure.data = ()
    figure.update_xaxes(visible=False).update_yaxes(visible=False)
    return figure.add_annotation(
        name="remark",
        text=text,
        showarrow=False,
        font={"size": 16, "color": palette(dark).muted},
        xref="paper",
        yref="paper",
        x=0.5,
        y=0.5,
    )


def _template(colours: Palette) -> go.layout.Template:
    axis = {
        "gridcolor": colours.grid,
        "linecolor": colours.muted,
        "tickcolor": colours.muted,
        "showline": True,
        "ticks": "outside",
        "zeroline": False,
        "title": {"standoff": 10, "font": {"size": 14}},
    }
    return go.layout.Template(
        layout={
            "font": {"family": FONT, "size": 14, "color": colours.ink},
            "paper_bgcolor": colours.paper,
            "plot_bgcolor": colours.paper,
            "colorway": list(colours.series),
            "title": {
                "x": 0,
                "xref": "container",
                "pad": {"l": 20, "t": 16},
                "y": 1,
                "yref": "container",
                "yanchor": "top",
                "font": {"size": 20, "weight": 600},
                "subtitle": {"font": {"size": 13, "color": colours.muted}},
            },
            "margin": MARGIN,
            "xaxis": axis,
            "yaxis": axis,
            "hoverlabel": {
                "bgcolor": colours.shade,
                "bordercolor": colours.muted,
                "font": {"family": FONT, "size": 13, "color": colours.ink},
                "align": "left",
            },
            "legend": {"bgcolor": "rgba(0,0,0,0)", "font": {"size": 13}},
        }
    )


pio.templates["brainseg"] = _template(LIGHT)
pio.templates["brainseg_dark"] = _template(DARK)

"""The lesions of a volume as surfaces in three dimensions, inside a faint outline of the head."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go

from brainseg.diagnosis.surface import Surface
from brainseg.plots.theme import finish, palette, readable, remark

HEIGHT = 520
HEAD_OPACITY = 0.12
_FROM_THE_FRONT_RIGHT = {"x": 1.0, "y": 1.35, "z": 0.5}


def surface_figure(lesions: Mapping[str, Surface], head: Surface | None = None, *, dark: bool = False) -> go.Figure:
    """Draw surfaces in the patient's coordinates: right, anterior and superior in mm, all to one scale.

    Args:
        lesions: Name of each lesion, shown when the pointer is over it -> its surface, largest first.
        head: The surface of the head.
        dark: Draw for a dark page.
    """
    colours = palette(dark)
    figure = go.Figure()
    figure.update_layout(height=HEIGHT, showlegend=False, margin={"l": 0, "r": 0, "b": 36})
    if not lesions:
        return remark(finish(figure, "Lesions in 3-D", "", dark), "Nothing is marked.", dark)
    if head is not None:
        figure.add_trace(_mesh(head, colours.muted, HEAD_OPACITY, hoverinfo="skip", name="head"))
    for number, (name, surface) in enumerate(lesions.items()):
        colour = colours.series[number % (len(colours.series) - 1)]
        said = f"{readable(name, 60, 2)}<extra></extra>"
        figure.add_trace(_mesh(surface, colour, 1.0, hovertemplate=said, name=readable(name, 30, 1)))
    axis = {
        "backgroundcolor": colours.paper,
        "gridcolor": colours.grid,
        "color": colours.muted,
        "showspikes": False,
        "tickfont": {"size": 11},
    }
    figure.update_layout(
        scene={
            "xaxis": {**axis, "title": {"text": "Right, mm", "font": {"size": 12}}},
            "yaxis": {**axis, "title": {"text": "Anterior, mm", "font": {"size": 12}}},
            "zaxis": {**axis, "title": {"text": "Superior, mm", "font": {"size": 12}}},
            "aspectmode": "data",
            "camera": {"eye": _FROM_THE_FRONT_RIGHT},
        }
    )
    return finish(figure, "Lesions in 3-D", "drag to turn, scroll to zoom; axes in mm", dark)


def _mesh(surface: Surface, colour: str, opacity: float, **more: object) -> go.Mesh3d:
    x, y, z = surface.vertices.T
    i, j, k = surface.triangles.T
    light = {"ambient": 0.5, "diffuse": 0.7, "specular": 0.15, "roughness": 0.7}
    return go.Mesh3d(x=x, y=y, z=z, i=i, j=j, k=k, color=colour, opacity=opacity, lighting=light, **more)

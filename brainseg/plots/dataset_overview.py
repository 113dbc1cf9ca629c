"""Plots of a dataset: images per class, sizes, and how pixels are stored."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from brainseg.plots.theme import finish, palette, readable, remark

ROW = 46  # pixels for one bar
GIVEN = {"train": "training", "valid": "validation", "test": "test"}
MODES = {
    "RGB": "colour",
    "RGBA": "colour, see-through",
    "L": "grey",
    "LA": "grey, see-through",
    "P": "palette",
    "1": "black and white",
    "I;16": "grey, 16 bits",
    "CMYK": "print colours",
}
"""Pillow's name for how an image file stores its pixels -> its description."""


def class_balance_figure(table: pd.DataFrame, classes: tuple[str, ...], *, dark: bool = False) -> go.Figure:
    """Draw the number of images as one bar per class, or one per class and set of the given split.

    Args:
        table: Columns `label` and `split` ("" where none is given).
        classes: All classes, in the order to draw; one without images keeps its place.
        dark: Draw for a dark page.
    """
    splits = [name for name in GIVEN if (table["split"] == name).any()]
    splits += [""] if (table["split"] == "").any() or not splits else []
    colours = palette(dark)
    figure = go.Figure()
    for place, split in enumerate(splits):
        part = table[table["split"] == split]
        counts = [int((part["label"] == name).sum()) for name in classes]
        figure.add_bar(
            orientation="h",
            x=counts,
            y=list(range(len(classes))),
            name=GIVEN.get(split, "no split given"),
            marker={"color": colours.series[place]},
            text=[_count_text(count, len(part)) for count in counts],
            textposition="outside",
            cliponaxis=False,
            customdata=[[readable(name, 60, 1), GIVEN.get(split, "")] for name in classes],
            hovertemplate="%{customdata[0]} %{customdata[1]}: %{x:,} images<extra></extra>",
        )
    most = max((max(trace.x, default=0) for trace in figure.data), default=0)
    rows = {
        "tickmode": "array",
        "tickvals": list(range(len(classes))),
        "ticktext": [readable(name) for name in classes],
    }
    figure.update_xaxes(title="Images", range=[0, max(1, most) * 1.25])
    figure.update_yaxes(
        title="Class", range=[len(classes) - 0.4, -0.6], ticks="", showline=False, ticksuffix="  ", **rows
    )
    figure.update_layout(
        height=190 + ROW * len(classes) * max(1, len(splits)),
        bargap=0.3,
        showlegend=len(splits) > 1,
        legend={"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0},
        margin={"l": 150, "r": 40, "t": 92 + 26 * (len(splits) > 1)},
    )
    of = "; %: proportion of the split's images" if len(splits) > 1 else ""
    finish(figure, "Images of each class", f"n = {len(table):,} readable images{of}", dark)
    return figure if len(table) else remark(figure, "No image can be read.", dark)


def sizes_figure(table: pd.DataFrame, *, dark: bool = False) -> go.Figure:
    """Draw one dot per image size; a larger dot stands for more images.

    Args:
        table: Columns `width` and `height`, in pixels.
        dark: Draw for a dark page.
    """
    sizes = size_table(table)
    colours = palette(dark)
    figure = go.Figure()
    largest = int(sizes["images"].max()) if len(sizes) else 1
    figure.add_scatter(
        x=sizes["width"],
        y=sizes["height"],
        mode="markers",
        showlegend=False,
        marker={
            "color": colours.series[0],
            "opacity": 0.75,
            "size": sizes["images"],
            "sizemode": "area",
            "sizeref": 2 * largest / 34**2,
            "sizemin": 4,
            "line": {"width": 1, "color": colours.paper},
        },
        customdata=sizes[["images"]],
        hovertemplate="%{x} × %{y} pixels: %{customdata[0]:,} images<extra></extra>",
    )
    most = 1.08 * max(sizes["width"].max(), sizes["height"].max()) if len(sizes) else 1
    figure.add_scatter(
        x=[0, most],
        y=[0, most],
        mode="lines",
        name="square images",
        line={"color": colours.muted, "dash": "dot", "width": 1.5},
        hoverinfo="skip",
    )
    figure.update_xaxes(title="Width (pixels)", range=[0, most])
    figure.update_yaxes(title="Height (pixels)", range=[0, most])
    figure.update_layout(height=430, legend={"x": 0.01, "y": 0.99, "yanchor": "top"})
    finish(figure, "Sizes", _size_sentence(sizes), dark)
    return figure if len(sizes) else remark(figure, "No image can be read.", dark)


def modes_figure(table: pd.DataFrame, *, dark: bool = False) -> go.Figure:
    """Draw how many images use each mode of storing pixels.

    Args:
        table: Column `mode`, with Pillow's names.
        dark: Draw for a dark page.
    """
    counts = table["mode"].value_counts()
    words = [f"{name}<br>{MODES[name]}" if name in MODES else str(name) for name in counts.index]
    figure = go.Figure()
    figure.add_bar(
        x=words,
        y=counts.to_list(),
        marker={"color": palette(dark).series[0]},
        text=[_count_text(int(count), len(table)) for count in counts],
        textposition="outside",
        cliponaxis=False,
        hovertemplate="%{x}: %{y:,} images<extra></extra>",
    )
    figure.update_xaxes(title="Mode of the file")
    figure.update_yaxes(title="Images", range=[0, 1.2 * max(1, counts.max() if len(counts) else 1)])
    figure.update_layout(height=430, bargap=0.45)
    finish(figure, "Modes", "all images are converted to 8-bit RGB for the model", dark)
    return figure if len(table) else remark(figure, "No image can be read.", dark)


def size_table(table: pd.DataFrame) -> pd.DataFrame:
    """Return `width`, `height` and the number of `images` of each size, the most common first."""
    sizes = table.groupby(["width", "height"], as_index=False).size().rename(columns={"size": "images"})
    return sizes.sort_values("images", ascending=False, kind="stable", ignore_index=True)


def _count_text(count: int, total: int) -> str:
    if not total:
        return "0"
    percent = 100 * count / total
    return f"{count:,} (under 1 %)" if 0 < percent < 1 else f"{count:,} ({percent:.0f} %)"


def _size_sentence(sizes: pd.DataFrame) -> str:
    if not len(sizes):
        return ""
    if len(sizes) == 1:
        return f"all images are {sizes['width'][0]} × {sizes['height'][0]} pixels"
    wide, high = sizes["width"], sizes["height"]
    return (
        f"{len(sizes):,} different, {wide.min():,} to {wide.max():,} wide and {high.min():,} to {high.max():,} high; "
        "a larger dot means more images"
    )

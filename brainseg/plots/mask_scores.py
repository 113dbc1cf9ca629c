"""Plots of how well masks fit: by slice, patient and tumour size."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from brainseg.datasets.masks import parse_spacing
from brainseg.evaluation.checks import require_columns
from brainseg.evaluation.stored import SegmentationEvaluation
from brainseg.plots.confusion_matrix import confusion_matrix_figure
from brainseg.plots.theme import MARGIN, finish, palette, readable, remark

BINS = 20
ROW = 26  # pixels per patient
TICKS = [digit * 10**power for power in range(8) for digit in (1, 2, 5)]
ABOVE = {"legend": {"orientation": "h", "y": 1, "yanchor": "bottom", "x": 0}, "margin": {"t": 120}}
"""A legend between the subtitle and the plot."""
NOTHING = "No slice has a true or a predicted tumour."


def dice_distribution_figure(table: pd.DataFrame, *, dark: bool = False) -> go.Figure:
    """Draw a histogram of the Dice of slices, with false alarms on slices without a tumour in a separate colour.

    Args:
        table: From `evaluation.segmentation.slice_table`.
        dark: Draw for a dark page.

    Raises:
        ValueError: The table lacks a column.
    """
    require_columns(table, ("dice", "has_tumour"), "The table of slices")
    counted = table[table["dice"].notna()]
    figure = go.Figure()
    edges = np.linspace(0, 1, BINS + 1)
    for name, rows, position in (
        ("with tumour", counted[counted["has_tumour"].astype(bool)], 0),
        ("without tumour (false alarm)", counted[~counted["has_tumour"].astype(bool)], 1),
    ):
        if len(rows):
            heights, _ = np.histogram(rows["dice"], edges)
            figure.add_bar(
                x=(edges[:-1] + edges[1:]) / 2,
                y=heights,
                width=1 / BINS,
                name=f"{name} (n = {len(rows)})",
                customdata=np.column_stack([edges[:-1], edges[1:]]),
                hovertemplate=f"Dice %{{customdata[0]:.2f}} to %{{customdata[1]:.2f}}<br>%{{y}} slices {name}"
                "<extra></extra>",
                marker={
                    "color": palette(dark).series[position],
                    "line": {"width": 1, "color": palette(dark).paper},
                    "pattern": {"shape": "/" if position else ""},
                },
            )
    figure.update_layout(barmode="stack", bargap=0, **ABOVE)
    figure.update_xaxes(title="Dice of a slice (0 to 1)", range=[0, 1], dtick=0.1)
    figure.update_yaxes(title="Slices", rangemode="tozero")
    left_out = len(table) - len(counted)
    finish(figure, "Dice of each slice", _summary(counted["dice"], "slices", left_out), dark)
    return figure if len(counted) else remark(figure, NOTHING, dark)


def dice_per_patient_figure(patients: pd.DataFrame, *, dark: bool = False) -> go.Figure:
    """Draw the Dice of each patient's volume, lowest first, with the number of slices.

    Args:
        patients: From `evaluation.segmentation.patient_table`.
        dark: Draw for a dark page.

    Raises:
        ValueError: The table lacks a column.
    """
    require_columns(patients, ("group", "slices", "tumour_slices", "dice"), "The table of patients")
    counted = patients[patients["dice"].notna()].sort_values(["dice", "group"], kind="stable")
    figure = go.Figure()
    names = [readable(group, 26, 1) for group in counted["group"]]
    rows = np.arange(len(counted))
    figure.add_bar(
        x=counted["dice"],
        y=rows,
        orientation="h",
        name="Dice",
        marker={"color": palette(dark).series[0]},
        customdata=np.column_stack([names, counted["slices"], counted["tumour_slices"]]),
        hovertemplate="%{customdata[0]}<br>Dice of the volume %{x:.3f}<br>%{customdata[1]} slices, %{customdata[2]} "
        "with tumour<extra></extra>",
        text=[
            f"{value:.2f} · {count} slice{'s' * (count != 1)}"
            for value, count in zip(counted["dice"], counted["slices"], strict=True)
        ],
        textposition="outside",
        cliponaxis=False,
        textfont={"size": 12, "color": palette(dark).ink},
        showlegend=False,
    )
    figure.update_layout(
        height=MARGIN["t"] + MARGIN["b"] + max(200, ROW * len(counted)), bargap=0.25, margin={"r": 110}
    )
    figure.update_xaxes(title="Dice of the patient's volume (0 to 1)", range=[0, 1], dtick=0.2)
    figure.update_yaxes(
        title="Patient",
        tickmode="array",
        tickvals=rows,
        ticktext=names,
        tickfont={"size": 11},
        range=[len(counted) - 0.4, -0.6],
        automargin=True,
        showgrid=False,
    )
    left_out = len(patients) - len(counted)
    finish(figure, "Dice of each patient", _summary(counted["dice"], "patients", left_out), dark)
    return figure if len(counted) else remark(figure, "No patient has a true or a predicted tumour.", dark)


def dice_size_figure(table: pd.DataFrame, *, dark: bool = False) -> go.Figure:
    """Draw the Dice of each slice with a tumour against the tumour's size: small ones are harder.

    Args:
        table: From `evaluation.segmentation.slice_table`. Sizes are in mm² if every slice has a spacing, else in
            pixels.
        dark: Draw for a dark page.

    Raises:
        ValueError: The table lacks a column.
    """
    require_columns(table, ("path", "group", "dice", "spacing", "has_tumour", "true_pixels"), "The table of slices")
    rows = table[table["has_tumour"].astype(bool)]
    spacings = [parse_spacing(text) for text in rows["spacing"]]
    in_mm = bool(spacings) and None not in spacings
    areas = [spacing[0] * spacing[1] for spacing in spacings if spacing] if in_mm else 1.0
    sizes = rows["true_pixels"].to_numpy() * np.asarray(areas)
    unit = "mm²" if in_mm else "pixels"
    figure = go.Figure()
    figure.add_scatter(
        x=sizes,
        y=rows["dice"],
        mode="markers",
        name="slices",
        marker={
            "size": 8,
            "opacity": 0.7,
            "color": palette(dark).series[0],
            "line": {"width": 1, "color": palette(dark).paper},
        },
        customdata=[
            [readable(path, 60, 2), readable(group, 40, 1)]
            for path, group in zip(rows["path"], rows["group"], strict=True)
        ],
        hovertemplate=f"%{{customdata[0]}}<br>Patient: %{{customdata[1]}}<br>Tumour %{{x:.0f}} {unit}, Dice %{{y:.3f}}"
        "<extra></extra>",
        showlegend=False,
    )
    _add_medians(figure, sizes, rows["dice"].to_numpy(), unit, dark)
    figure.update_layout(**ABOVE)
    figure.update_xaxes(
        title=f"Area of the true tumour on the slice ({unit}, logarithmic)", type="log", tickvals=TICKS, tickformat=","
    )
    figure.update_yaxes(title="Dice of the slice (0 to 1)", range=[-0.03, 1.03], dtick=0.2)
    subtitle = f"n = {len(rows)} slices with a tumour; each point is a slice"
    finish(figure, "Dice and tumour size", subtitle, dark)
    return figure if len(rows) else remark(figure, "No slice has a true tumour.", dark)


def pixel_matrix_figure(report: SegmentationEvaluation, *, dark: bool = False) -> go.Figure:
    """Draw the confusion matrix of pixels.

    Args:
        report: What `SegmentationReport.to_dict()` gives.
        dark: Draw for a dark page.

    Raises:
        ValueError: The report lacks a part.
    """
    if missing := [name for name in ("matrix", "classes") if name not in report]:
        raise ValueError(f"The report lacks {', '.join(missing)}; it has {', '.join(report) or 'nothing'}.")
    figure = confusion_matrix_figure(report["matrix"], report["classes"], unit="pixels", dark=dark)
    totals = np.asarray(report["matrix"]).sum(axis=1)
    # Pixel accuracy is left out: with so much background, it is near 1 even for a useless model.
    subtitle = f"n = {totals.sum():,} pixels, {totals[1:].sum():,} of them tumour; colour and %: proportion of the row"
    figure.layout.title.update(text="Pixels by class", subtitle={"text": subtitle})
    return figure


def _add_medians(figure: go.Figure, sizes: np.ndarray, dice: np.ndarray, unit: str, dark: bool) -> None:
    """Add the median Dice of each fifth of the sizes, if each fifth has enough slices."""
    parts = [part for part in np.array_split(np.argsort(sizes, kind="stable"), 5) if len(part) >= 5]
    if len(parts) < 5:
        return
    figure.add_scatter(
        x=[float(np.median(sizes[part])) for part in parts],
        y=[float(np.median(dice[part])) for part in parts],
        mode="lines+markers",
        name="median of each fifth of the slices",
        line={"color": palette(dark).series[1], "width": 3},
        marker={"size": 11, "symbol": "diamond"},
        hovertemplate=f"Around %{{x:.0f}} {unit}: median Dice %{{y:.3f}}<extra></extra>",
    )


def _summary(dice: pd.Series, what: str, left_out: int) -> str:
    """Return n, mean and median, and the number that are left out because both masks are empty."""
    if not len(dice):
        return f"n = 0 {what}"
    empty = f"; {left_out} without any true or predicted tumour are not counted" if left_out else ""
    return f"n = {len(dice)} {what}; mean {dice.mean():.3f}, median {dice.median():.3f}{empty}"

"""Plots of a volume's answer: curves along the volume, and surfaces in three dimensions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainseg.diagnosis.surface import lesion_surfaces
from brainseg.plots.mask_surface import surface_figure
from brainseg.plots.slice_curve import area_curve_figure, class_curve_figure
from tests.plots.test_mask_plots import HOSTILE

AREAS = pd.DataFrame(
    {
        "slice": [1, 2, 3, 4],
        "position_mm": [-4.0, 0.0, 4.0, 8.0],
        "area_mm2": [0.0, 25.0, 50.0, 0.0],
        "unlike": [True, False, False, False],
    }
)
CLASSES = pd.DataFrame(
    {
        "slice": [1, 2, 3],
        "position_mm": [0.0, 1.0, 2.0],
        "p_no": [np.nan, 0.2, 0.9],
        "p_yes": [np.nan, 0.8, 0.1],
        "label": ["", "yes", "no"],
        "unlike": [False, True, False],
    }
)


@pytest.mark.parametrize("dark", [False, True])
def test_the_curve_has_each_slices_area_and_its_number_for_a_click(dark):
    figure = area_curve_figure(AREAS, "axial", dark=dark)

    (curve,) = figure.data
    assert list(curve.x) == [1, 2, 3, 4]
    assert list(curve.y) == [0, 25, 50, 0]
    assert [point[0] for point in curve.customdata] == [1, 2, 3, 4]
    assert curve.marker.symbol == ("x", "circle", "circle", "circle")
    assert "cross: 1 slice not like" in figure.layout.title.subtitle.text


def test_nothing_marked_is_said_instead_of_a_flat_line():
    figure = area_curve_figure(AREAS.assign(area_mm2=0.0), "axial")

    assert not figure.data
    assert "Nothing is marked" in str(figure.layout.annotations)


def test_the_prediction_leaves_gaps_for_empty_slices_and_shows_the_threshold():
    figure = class_curve_figure(CLASSES, "coronal", ("yes",), 0.4, "probability")

    (curve,) = figure.data
    assert np.allclose(curve.y, [np.nan, 0.8, 0.1], equal_nan=True)
    assert figure.layout.shapes[0].y0 == 0.4
    assert len(class_curve_figure(CLASSES, "coronal", ("no", "yes")).data) == 2
    assert not class_curve_figure(CLASSES.assign(label=""), "coronal", ("yes",)).data
    with pytest.raises(ValueError, match="lacks 'p_other'"):
        class_curve_figure(CLASSES, "coronal", ("other",))


def test_surfaces_are_drawn_in_mm_inside_the_head():
    mask = np.zeros((12, 12, 12), bool)
    mask[3:7, 3:7, 3:7] = True
    affine = np.diag([2.0, 2.0, 3.0, 1.0])
    (lesion,) = lesion_surfaces(mask, affine)

    figure = surface_figure({HOSTILE: lesion}, lesion)

    head, drawn = figure.data
    assert head.opacity < 0.5 < drawn.opacity
    assert np.allclose([min(drawn.z), max(drawn.z)], [2.5 * 3, 6.5 * 3])
    assert figure.layout.scene.aspectmode == "data"
    assert "<script>" not in drawn.hovertemplate
    assert "Nothing is marked" in str(surface_figure({}).layout.annotations)

"""Plots of a reader study: pixels keep their places, and curves their points."""

from __future__ import annotations

import math

import numpy as np
import pytest

from brainseg.evaluation.ranking import Ranking, roc_points
from brainseg.plots.reader_study import case_figure, conditions_figure

POSITIVE = np.array([True, True, False, False])


@pytest.mark.parametrize("dark", [False, True])
def test_the_image_lies_on_its_pixels_from_the_upper_left_corner(dark: bool) -> None:
    pixels = np.zeros((40, 60, 3), np.uint8)
    figure = case_figure(pixels, (5, 6, 20, 30), dark=dark)
    (image,) = figure.layout.images
    assert (image.x, image.y, image.sizex, image.sizey) == (0, 0, 60, 40)
    assert list(figure.layout.xaxis.range) == [0, 60]
    assert list(figure.layout.yaxis.range) == [40, 0], "rows grow downwards"
    (box,) = figure.layout.shapes
    assert (box.x0, box.y0, box.x1, box.y1) == (5, 6, 20, 30)
    (points,) = figure.data
    assert (points.marker.opacity, max(points.x), max(points.y)) == (0, 60, 40)
    assert figure.layout.dragmode == "select"
    assert not case_figure(pixels).layout.shapes


def test_each_condition_has_its_curve_and_its_point() -> None:
    curves = {"reader alone": roc_points(Ranking(POSITIVE, np.array([0.9, 0.4, 0.6, 0.1])))}
    figure = conditions_figure(curves, {"reader alone": 0.75}, {"reader alone": (0.5, 1.0)}, "owl <b>")
    line, point, _ = figure.data
    assert "AUC 0.750" in line.name
    assert list(line.y) == list(curves["reader alone"]["tpr"])
    assert (point.x[0], point.y[0]) == (0.5, 1.0)
    assert "&lt;b&gt;" in figure.layout.title.text
    with pytest.raises(ValueError, match="same names"):
        conditions_figure(curves, {}, {}, "owl")


def test_without_both_classes_there_is_no_curve() -> None:
    curve = roc_points(Ranking(np.ones(4, bool), np.arange(4) / 4))
    figure = conditions_figure({"a": curve}, {"a": math.nan}, {"a": (0.0, 1.0)}, "owl")
    assert any("Not defined" in note.text for note in figure.layout.annotations)

from __future__ import annotations

import base64

import cv2
import numpy as np
import pandas as pd
import plotly.io as pio
import pytest

from brainseg import DISCLAIMER
from brainseg.evaluation.segmentation import evaluate_masks, patient_table, worst_slices
from brainseg.plots import (
    dice_distribution_figure,
    dice_per_patient_figure,
    dice_size_figure,
    pixel_matrix_figure,
    save_html,
    segmentation_scores_figure,
    slice_outlines_figure,
    theme,
    worst_slices_figure,
)
from brainseg.plots.mask_outlines import PREDICTED, TRUE
from tests.evaluation.segmentation.masks import evaluated, pairs, square

CLASSES = ("background", "tumour")
HOSTILE = "<b>x</b></script><script>alert(1)</script>%{y}"
EMPTY = np.zeros((20, 20), np.uint8)


def outlines(table, masks, **settings):
    cases = worst_slices(table)
    both = [masks[row] for row in cases["row"]]
    images = [np.full((*truth.shape, 3), 90, np.uint8) for truth, _ in both]
    return (
        worst_slices_figure(cases, images, *map(list, zip(*both, strict=True)), **settings)
        if both
        else (worst_slices_figure(cases, [], [], [], **settings))
    )


def every_figure(masks, dark, spacing=""):
    table = evaluated(masks, spacing=spacing)
    report = evaluate_masks(table, CLASSES).to_dict()
    return {
        "distribution": dice_distribution_figure(table, dark=dark),
        "patients": dice_per_patient_figure(patient_table(table), dark=dark),
        "size": dice_size_figure(table, dark=dark),
        "worst": outlines(table, masks, dark=dark),
        "matrix": pixel_matrix_figure(report, dark=dark),
        "scores": segmentation_scores_figure(report, {"nothing": report}, dark=dark),
    }


def notes(figure, name):
    return [annotation.text for annotation in figure.layout.annotations if annotation.name == name]


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("masks", [pairs(64), [(EMPTY, EMPTY)] * 3, [(square(2, 2, 4), EMPTY)], []])
def test_every_figure_has_template_title_axes_hover_and_disclaimer(masks, dark, tmp_path):
    for name, figure in every_figure(masks, dark).items():
        assert figure.layout.template.layout.paper_bgcolor == theme.palette(dark).paper, name
        assert figure.layout.title.text, name
        assert figure.layout.title.subtitle.text, name
        assert notes(figure, "disclaimer") == [DISCLAIMER], name
        assert bool(figure.data) != bool(notes(figure, "remark")), name
        for drawn in figure.data:
            assert drawn.hovertemplate or drawn.hoverinfo == "skip", (name, drawn.name)
        pio.to_json(figure, validate=True)
    save_html(figure, tmp_path / "figure.html")


def test_distribution_keeps_false_alarms_apart_and_leaves_empty_slices_out():
    masks = [(square(2, 2, 4), square(2, 2, 4)), (square(2, 2, 4), EMPTY), (EMPTY, square(1, 1, 2)), (EMPTY, EMPTY)]
    figure = dice_distribution_figure(evaluated(masks))
    with_tumour, alarms = figure.data
    assert (with_tumour.name, alarms.name) == ("with tumour (n = 2)", "without tumour (false alarm) (n = 1)")
    assert (with_tumour.y[0], with_tumour.y[-1], sum(with_tumour.y)) == (1, 1, 2)
    assert (alarms.y[0], sum(alarms.y)) == (1, 1)
    assert with_tumour.marker.pattern.shape != alarms.marker.pattern.shape
    assert "n = 3 slices" in figure.layout.title.subtitle.text
    assert "1 without any true or predicted tumour are not counted" in figure.layout.title.subtitle.text


def test_patients_stand_lowest_first_with_their_slices():
    masks = [(square(2, 2, 4), square(2, 2, 4)), (square(2, 2, 4), EMPTY), (EMPTY, EMPTY), (EMPTY, EMPTY)]
    (bars,) = dice_per_patient_figure(patient_table(evaluated(masks, ["good", "bad", "good", "none"]))).data
    assert list(bars.x) == [0, 1]
    assert list(bars.text) == ["0.00 · 1 slice", "1.00 · 2 slices"]
    assert [row[0] for row in bars.customdata] == ["bad", "good"]


def test_many_patients_get_the_height_that_they_need():
    few, many = (
        dice_per_patient_figure(patient_table(evaluated(pairs(8), [f"p{n % count}" for n in range(8)] * 1)))
        for count in (2, 8)
    )
    table = patient_table(evaluated(pairs(8) * 15, [f"p{n}" for n in range(120)]))
    assert dice_per_patient_figure(table).layout.height > many.layout.height >= few.layout.height


def test_sizes_are_in_mm2_only_if_every_slice_has_a_spacing():
    masks = [(square(2, 2, 4), square(2, 2, 4)), (square(2, 2, 6), EMPTY), (EMPTY, square(2, 2, 6))]
    table = evaluated(masks, spacing="0.5 2.0")
    figure = dice_size_figure(table)
    assert list(figure.data[0].x) == [16, 36]
    assert "mm²" in figure.layout.xaxis.title.text
    figure = dice_size_figure(evaluated(masks, spacing="0.5 0.5"))
    assert list(figure.data[0].x) == [4, 9]
    table.loc[0, "spacing"] = ""
    figure = dice_size_figure(table)
    assert list(figure.data[0].x) == [16, 36]
    assert "pixels" in figure.layout.xaxis.title.text


def test_medians_are_of_fifths_of_the_slices():
    masks = [(square(0, 0, 1 + number // 3), square(0, 0, 1 + number // 4)) for number in range(50)]
    table = evaluated(masks)
    points, medians = dice_size_figure(table).data
    fifth = table.sort_values("true_pixels", kind="stable").head(10)
    assert len(points.x) == 50
    assert (medians.x[0], medians.y[0]) == (fifth["true_pixels"].median(), fifth["dice"].median())
    assert len(dice_size_figure(table.head(20)).data) == 1


def test_outlines_differ_in_colour_and_dash_and_stand_in_the_legend_once():
    masks = pairs(64)
    figure = outlines(evaluated(masks), masks)
    lines = [drawn for drawn in figure.data if drawn.type == "scatter"]
    assert [line.name for line in lines if line.showlegend] == ["True outline", "Predicted outline"]
    assert {(line.name, line.line.color, line.line.dash) for line in lines} == {
        ("True outline", *TRUE),
        ("Predicted outline", *PREDICTED),
    }
    assert (TRUE[0] != PREDICTED[0], TRUE[1] != PREDICTED[1]) == (True, True)
    assert len([drawn for drawn in figure.data if drawn.type == "image"]) == 6


def test_outline_encloses_exactly_the_pixels_of_the_mask():
    mask = square(3, 5, 4) | square(12, 12, 2)
    mask[4, 6] = 0
    cases = worst_slices(evaluated([(mask, square(2, 2, 4))]))
    figure = worst_slices_figure(cases, [np.zeros((20, 20, 3), np.uint8)], [mask], [square(2, 2, 4)])
    x, y = np.array(figure.data[1].x), np.array(figure.data[1].y)
    breaks = np.flatnonzero(np.isnan(x))
    parts = np.split(np.column_stack([x, y]), breaks)
    parts = [part[~np.isnan(part[:, 0])] for part in parts if (~np.isnan(part[:, 0])).any()]
    inside = np.zeros((20, 20), int)
    for part in parts:
        for row in range(20):
            for column in range(20):
                inside[row, column] += cv2.pointPolygonTest(part.astype(np.float32), (column, row), False) >= 0
    np.testing.assert_array_equal(inside % 2, mask)  # a hole is enclosed twice
    assert (np.nanmin(x), np.nanmin(y)) == pytest.approx((4.5, 2.5), abs=0.2)


def test_pictures_are_those_of_the_slices_and_large_ones_shrink():
    random = np.random.default_rng(0)
    image = random.integers(0, 256, (20, 20, 3)).astype(np.uint8)
    cases = worst_slices(evaluated([(square(2, 2, 4), EMPTY)]))
    figure = worst_slices_figure(cases, [image], [square(2, 2, 4)], [EMPTY])
    data = base64.b64decode(figure.data[0].source.split(",", 1)[1])
    stored = cv2.cvtColor(cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    np.testing.assert_array_equal(stored, image)
    large, mask = np.zeros((1200, 900, 3), np.uint8), np.zeros((1200, 900), np.uint8)
    figure = worst_slices_figure(cases, [large], [mask], [mask])
    assert figure.data[0].dx * 512 == pytest.approx(1200)
    with pytest.raises(ValueError, match="1 cases need as many images and masks, got 0"):
        worst_slices_figure(cases, [], [mask], [mask])


def test_pixel_matrix_does_not_boast_with_background():
    report = evaluate_masks(evaluated([(square(2, 2, 4), EMPTY)] * 2), CLASSES).to_dict()
    subtitle = pixel_matrix_figure(report).layout.title.subtitle.text
    assert subtitle == "n = 800 pixels, 32 of them tumour; colour and %: proportion of the row"
    with pytest.raises(ValueError, match="lacks matrix, classes"):
        pixel_matrix_figure({})


def test_scores_show_intervals_values_and_baselines():
    masks = pairs(60)
    report = evaluate_masks(evaluated(masks), CLASSES).to_dict()
    nothing = evaluate_masks(evaluated([(truth, truth * 0) for truth, _ in masks]), CLASSES).to_dict()
    figure = segmentation_scores_figure(report, {"all background": nothing})
    baseline, model = figure.data
    assert baseline.name == "baseline: all background"
    assert baseline.x[0] == 0
    assert baseline.marker.symbol != model.marker.symbol
    low, high = report["intervals"]["dice"]
    assert model.x[0] == report["dice"]
    assert model.x[0] - model.error_x.arrayminus[0] == pytest.approx(low)
    assert model.x[0] + model.error_x.array[0] == pytest.approx(high)
    assert notes(figure, "dice") == [f"<b>{report['dice']:.3f}</b> ({low:.3f}–{high:.3f})"]
    assert (
        "of 15 patients; slices without any true or predicted tumour are not counted"
        in figure.layout.title.subtitle.text
    )
    one = segmentation_scores_figure(evaluate_masks(evaluated(masks, ["p"] * 60), CLASSES).to_dict())
    assert notes(one, "dice") == [f"<b>{report['dice']:.3f}</b>"]


def test_names_from_files_are_shown_and_not_run(tmp_path):
    masks = [(square(2, 2, 4), square(2, 3, 4))] * 3
    table = evaluated(masks, [HOSTILE] * 3).assign(path=[f"{HOSTILE}/{HOSTILE}{number}" for number in range(3)])
    report = evaluate_masks(table, CLASSES).to_dict()
    for figure in (
        dice_distribution_figure(table),
        dice_per_patient_figure(patient_table(table)),
        dice_size_figure(table),
        outlines(table, masks),
        segmentation_scores_figure(report, {HOSTILE: report}),
    ):
        save_html(figure, tmp_path / "page.html")
        page = (tmp_path / "page.html").read_text("utf-8")
        assert "<script>alert" not in page
        assert "<b>x" not in "".join(str(text) for text in (figure.layout.annotations, figure.data))


@pytest.mark.parametrize("draw", [dice_distribution_figure, dice_per_patient_figure, dice_size_figure])
def test_table_that_lacks_a_column_is_refused(draw):
    with pytest.raises(ValueError, match="lacks"):
        draw(pd.DataFrame({"path": ["a"]}))


@pytest.mark.parametrize("dark", [False, True])
def test_one_slice_is_drawn_once_for_each_run(dark: bool) -> None:
    found = {"one": square(2, 2, 4), "<b>two</b>": EMPTY, "three": square(3, 3, 4), "four": square(1, 1, 2)}
    words = dict.fromkeys(found, "Dice 0.50")
    image = np.zeros((20, 20, 3), np.uint8)
    figure = slice_outlines_figure("a/slice.png", image, square(2, 2, 4), found, words, dark=dark)
    assert len([trace for trace in figure.data if trace.type == "image"]) == 4
    assert len([trace for trace in figure.data if trace.name == "True outline"]) == 4
    titles = [note.text for note in figure.layout.annotations]
    assert "one<br>Dice 0.50" in titles
    assert not any("<b>two" in str(title) for title in titles)
    assert "true mask 16 px" in figure.layout.title.subtitle.text

import json
import math
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import plotly.io as pio
import pytest
from plotly.colors import hex_to_rgb, label_rgb

from brainseg import DISCLAIMER
from brainseg.evaluation.classification import evaluate, pr_curve, roc_curve
from brainseg.plots import (
    confusion_matrix_figure,
    learning_rate_curve,
    metrics_figure,
    pr_figure,
    roc_figure,
    save_html,
    theme,
    training_curves,
)
from tests.evaluation.tables import KINDS, random_table

HOSTILE = "<b>x</b></script><script>alert(1)</script>%{y}"


def search(steps=60, low=1e-6, high=1.0):
    rates = np.geomspace(low, high, steps)
    falling = 0.8 - 0.4 / (1 + np.exp(-2 * (np.log10(rates) + 3)))
    smoothed = falling + np.exp(6 * (np.log10(rates) - math.log10(high) + 0.3))
    noise = np.random.default_rng(0).normal(0, 0.03, steps)
    return pd.DataFrame({"learning_rate": rates, "loss": smoothed + noise, "smoothed_loss": smoothed})


def history(count, frozen, best=None):
    epoch = np.arange(1, count + 1)
    valid = 0.9 - 0.01 * epoch
    if best is not None:
        valid[best - 1] = 0.1
    return pd.DataFrame(
        {
            "phase": ["frozen"] * frozen + ["unfrozen"] * (count - frozen),
            "epoch": epoch,
            "train_loss": 1 / epoch,
            "valid_loss": valid,
            "accuracy": 1 - 0.5 / epoch,
            "sensitivity": 1 - 0.6 / epoch,
            "specificity": 1 - 0.4 / epoch,
            "learning_rate": 1e-3,
            "seconds": 10.0,
        }
    )


def evaluated(size=2, rows=60, kind="plain", positive=None, seed=0):
    table, classes = random_table(np.random.default_rng(seed), size, rows, kind)
    return table, classes, evaluate(table, classes, positive)


def curves_of(table, classes, report, curve, area):
    return {name: curve(table, classes, name) for name in classes}, {
        name: getattr(report.per_class[name], area) for name in classes
    }


def every_figure(dark):
    table, classes, report = evaluated(3)
    return {
        "rate": learning_rate_curve(search(), 1e-3, dark=dark),
        "rate, none": learning_rate_curve(search(), None, dark=dark),
        "rate, empty": learning_rate_curve(search().iloc[:0], None, dark=dark),
        "training": training_curves(history(8, 3), dark=dark),
        "training, one": training_curves(history(1, 1), dark=dark),
        "training, empty": training_curves(history(0, 0), dark=dark),
        "matrix": confusion_matrix_figure(report.matrix, classes, dark=dark),
        "roc": roc_figure(*curves_of(table, classes, report, roc_curve, "roc_auc"), dark=dark),
        "roc, empty": roc_figure({}, {}, dark=dark),
        "pr": pr_figure(*curves_of(table, classes, report, pr_curve, "pr_auc"), dark=dark),
        "metrics": metrics_figure(report.to_dict(), dark=dark),
        "metrics, empty": metrics_figure(evaluate(table.iloc[:0], classes, None).to_dict(), dark=dark),
    }


def trace(figure, name):
    (found,) = [trace for trace in figure.data if trace.name == name]
    return found


def note(figure, name):
    (found,) = [annotation for annotation in figure.layout.annotations if annotation.name == name]
    return found


def notes(figure, name):
    return [annotation.text for annotation in figure.layout.annotations if annotation.name == name]


@pytest.mark.parametrize("dark", [False, True])
def test_every_figure_has_template_title_axes_hover_and_disclaimer(dark):
    background = theme.palette(dark).paper
    for name, figure in every_figure(dark).items():
        assert figure.layout.template.layout.paper_bgcolor == background, name
        assert figure.layout.title.text, name
        assert figure.layout.title.subtitle.text, name
        assert note(figure, "disclaimer").text == DISCLAIMER, name
        assert bool(figure.data) != bool(notes(figure, "remark")), name
        for drawn in figure.data:
            assert drawn.hovertemplate or drawn.hoverinfo == "skip", (name, drawn.name)
        if figure.data:
            bottom = [axis for axis in figure.select_xaxes() if axis.showticklabels is not False]
            assert all(axis.title.text for axis in bottom), name
            # The rows of the metrics figure are named one by one.
            assert name == "metrics" or all(axis.title.text for axis in figure.select_yaxes()), name


def test_templates_are_registered():
    assert pio.templates["brainseg"].layout.paper_bgcolor == theme.LIGHT.paper
    assert pio.templates["brainseg_dark"].layout.paper_bgcolor == theme.DARK.paper


def contrast(first, second):
    def luminance(colour):
        parts = [value / 255 for value in hex_to_rgb(colour)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return float(np.dot([0.2126, 0.7152, 0.0722], linear))

    low, high = sorted([luminance(first), luminance(second)])
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK])
def test_colours_stand_out_from_the_page(colours):
    assert contrast(colours.ink, colours.paper) > 12
    assert contrast(colours.muted, colours.paper) > 4.5  # WCAG AA for text
    assert contrast(colours.ink, colours.shade) > 10
    # The first five carry lines next to each other; sky blue and orange are pale on white but never thin text.
    assert all(contrast(colour, colours.paper) > 2.2 for colour in colours.series)
    assert all(contrast(colour, colours.paper) > 3 for colour in colours.series[:3])


def test_text_on_a_colour_is_readable_whatever_the_colour():
    for colour in np.random.default_rng(0).integers(0, 256, (500, 3)):
        background = "#{:02x}{:02x}{:02x}".format(*colour)
        assert contrast(theme.text_on(label_rgb(tuple(colour))), background) > 4.4


def test_line_styles_stay_apart():
    styles = [tuple(theme.series_style(position, False).items()) for position in range(28)]
    assert len(set(styles)) == 28


def test_names_are_shown_literally_and_short():
    assert theme.readable("<b>a & b</b>") == "&lt;b&gt;a &amp; b&lt;/b&gt;"
    assert theme.readable("a long name of a class indeed", 10, 2).count("<br>") == 1
    assert theme.readable("a long name of a class indeed", 10, 2).endswith("…")
    assert theme.readable("") == ""


class TestLearningRate:
    def test_holds_the_data(self):
        curve = search()
        figure = learning_rate_curve(curve, 1e-3)
        for name, column in (("each batch", "loss"), ("smoothed", "smoothed_loss")):
            np.testing.assert_array_equal(trace(figure, name).x, curve["learning_rate"])
            np.testing.assert_array_equal(trace(figure, name).y, curve[column])
        assert figure.layout.xaxis.type == "log"
        assert "nats" in figure.layout.yaxis.title.text

    @pytest.mark.parametrize("suggestion", [2e-6, 1e-3, 0.5])
    def test_marks_the_valley_on_the_curve(self, suggestion):
        curve = search()
        figure = learning_rate_curve(curve, suggestion)
        mark = trace(figure, "valley")
        assert mark.x[0] == suggestion
        near = curve.iloc[(np.log(curve["learning_rate"]) - math.log(suggestion)).abs().argmin()]
        assert mark.y[0] == pytest.approx(near["smoothed_loss"], abs=0.1)
        assert figure.layout.shapes[0].x0 == figure.layout.shapes[0].x1 == suggestion
        label = note(figure, "valley")
        assert 10**label.x == pytest.approx(suggestion)
        assert "e-" in label.text
        # The label leans away from the nearer end of the axis, where it would be cut off.
        assert label.xanchor == ("left" if suggestion < 1e-3 else "right")

    def test_without_a_valley_says_so(self):
        figure = learning_rate_curve(search(), None)
        assert "no valley" in figure.layout.title.subtitle.text
        assert not figure.layout.shapes
        assert {drawn.name for drawn in figure.data} == {"each batch", "smoothed"}

    def test_a_blow_up_does_not_flatten_the_valley(self):
        curve = search()
        curve.loc[curve.index[-1], ["loss", "smoothed_loss"]] = 1e6
        figure = learning_rate_curve(curve, 1e-3)
        low, high = figure.layout.yaxis.range
        assert high < 2
        assert low < curve["loss"].min()
        assert "double click" in figure.layout.title.subtitle.text

    def test_a_suggestion_outside_the_search_is_within_the_axis(self):
        figure = learning_rate_curve(search(), 10.0)
        assert figure.layout.xaxis.range[1] > 1

    @pytest.mark.parametrize("values", [math.nan, math.inf, 0.7])
    def test_flat_and_missing_losses(self, values):
        curve = search(5)
        curve[["loss", "smoothed_loss"]] = values
        figure = learning_rate_curve(curve, 1e-3)
        assert figure.layout.yaxis.range is None
        assert ("valley" in {drawn.name for drawn in figure.data}) == math.isfinite(values)

    def test_a_single_step_is_a_dot(self):
        figure = learning_rate_curve(search(1), None)
        assert {drawn.mode for drawn in figure.data} == {"markers"}
        low, high = figure.layout.xaxis.range
        assert low < -6 < high

    def test_refuses_bad_input(self):
        with pytest.raises(ValueError, match="'smoothed_loss'"):
            learning_rate_curve(search().drop(columns="smoothed_loss"), None)
        for value in (0.0, -1.0, math.nan, math.inf):
            with pytest.raises(ValueError, match=f"learning_rate .* {value}"):
                learning_rate_curve(search(3).assign(learning_rate=[1e-3, value, 1e-1]), None)
            with pytest.raises(ValueError, match=f"suggestion .* {value}"):
                learning_rate_curve(search(), value)


class TestTraining:
    def test_holds_the_data_in_two_panels(self):
        epochs = history(8, 3)
        figure = training_curves(epochs.sample(frac=1, random_state=1))
        for name, column, axis in (
            ("training loss", "train_loss", "y"),
            ("validation loss", "valid_loss", "y"),
            ("accuracy", "accuracy", "y2"),
            ("sensitivity", "sensitivity", "y2"),
            ("specificity", "specificity", "y2"),
        ):
            drawn = trace(figure, name)
            np.testing.assert_array_equal(drawn.x, epochs["epoch"])
            np.testing.assert_array_equal(drawn.y, epochs[column])
            assert drawn.yaxis == axis
            assert name in drawn.hovertemplate
            assert "frozen: head only" in drawn.customdata[0]
            assert "unfrozen: all layers" in drawn.customdata[7]
            assert "10.0 s" in drawn.customdata[0]
        low, high = figure.layout.yaxis2.range
        assert low <= 0 < 1 <= high < 1.1

    def test_marks_the_best_epoch(self):
        figure = training_curves(history(8, 3, best=5))
        star = trace(figure, "lowest validation loss")
        assert (star.x[0], star.y[0]) == (5, pytest.approx(0.1))
        lines = [shape for shape in figure.layout.shapes if shape.type == "line"]
        assert {(line.x0, line.x1) for line in lines} == {(5, 5)}
        assert len(lines) == 2
        assert "0.1000 at epoch 5" in figure.layout.title.subtitle.text
        assert "80 s" in figure.layout.title.subtitle.text

    def test_the_earliest_of_equally_good_epochs_counts(self):
        assert trace(training_curves(history(6, 2).assign(valid_loss=0.5)), "lowest validation loss").x[0] == 1

    @pytest.mark.parametrize(("count", "frozen"), [(8, 3), (5, 5), (100, 1), (1, 1)])
    def test_shades_the_frozen_phase_in_both_panels(self, count, frozen):
        shapes = [shape for shape in training_curves(history(count, frozen)).layout.shapes if shape.type == "rect"]
        assert [(shape.x0, shape.x1) for shape in shapes] == [(0.5, frozen + 0.5)] * 2
        assert [shape.showlegend for shape in shapes] == [True, False]

    def test_no_shade_without_a_frozen_phase(self):
        assert all(shape.type == "line" for shape in training_curves(history(4, 0)).layout.shapes)

    def test_a_single_epoch_is_in_the_middle(self):
        figure = training_curves(history(1, 0))
        assert tuple(figure.layout.xaxis.range) == (0.5, 1.5)
        assert "1 epoch in" in figure.layout.title.subtitle.text
        assert "markers" in trace(figure, "validation loss").mode

    def test_gaps_and_missing_metrics(self):
        epochs = history(6, 2, best=4).assign(sensitivity=math.nan, specificity=None, seconds=math.nan)
        epochs.loc[3, "valid_loss"] = math.nan
        epochs.loc[2, "learning_rate"] = math.nan
        figure = training_curves(epochs)
        assert {drawn.name for drawn in figure.data} == {
            "training loss",
            "validation loss",
            "accuracy",
            "lowest validation loss",
        }
        assert trace(figure, "lowest validation loss").x[0] == 6
        assert np.isnan(trace(figure, "validation loss").y[3])
        assert not any("nan" in text for drawn in figure.data[:3] for text in drawn.customdata)
        assert not re.search(r"\bs;", figure.layout.title.subtitle.text)

    def test_one_huge_loss_does_not_flatten_the_others(self):
        def axis(losses):
            return training_curves(history(len(losses), 1).assign(valid_loss=losses)).layout.yaxis

        wild = axis([7784.0, 0.9, 0.8, math.nan, 0.7])
        assert (wild.type, wild.title.text) == ("log", "Loss (cross-entropy, nats), log scale")
        assert axis([2.0, 0.9, 0.8, 0.7]).type is None
        assert axis([7784.0, 0.9, 0.0, 0.7]).type is None  # 0 has no place on a logarithmic axis
        assert axis([math.inf, 0.9, 0.8, 0.7]).type is None

    def test_no_validation_loss_at_all(self):
        figure = training_curves(history(3, 1).assign(valid_loss=math.nan))
        assert "lowest validation loss" not in {drawn.name for drawn in figure.data}
        assert all(shape.type == "rect" for shape in figure.layout.shapes)

    @pytest.mark.parametrize(
        ("count", "step"), [(1, 1), (15, 1), (16, 2), (30, 2), (31, 5), (75, 5), (100, 10), (1000, 100)]
    )
    def test_ticks_are_whole_epochs(self, count, step):
        assert training_curves(history(count, 0)).layout.xaxis.dtick == step

    def test_refuses_bad_input(self):
        with pytest.raises(ValueError, match="'seconds'"):
            training_curves(history(3, 1).drop(columns="seconds"))
        with pytest.raises(ValueError, match="'thawed'"):
            training_curves(history(3, 1).assign(phase="thawed"))


class TestConfusionMatrix:
    def test_rows_are_actual_columns_predicted(self):
        matrix = np.array([[40, 1, 9], [0, 0, 0], [2, 3, 5]])
        figure = confusion_matrix_figure(matrix, ["a", "b", "c"])
        heat, text = figure.data
        np.testing.assert_allclose(heat.z, [[80, 2, 18], [0, 0, 0], [20, 30, 50]])
        cells = {(y, x): words for x, y, words in zip(text.x, text.y, text.text, strict=True)}
        assert cells[0, 1] == "1<br>2.0 %"
        assert cells[2, 0] == "2<br>20.0 %"
        assert cells[1, 1] == "0<br>–"  # no images of the class: no percentage
        assert heat.customdata[0][2] == "Actual: a<br>Predicted: c<br>9 of 50 images (18.0 %)"
        assert figure.layout.xaxis.title.text == "Predicted class"
        assert figure.layout.yaxis.title.text == "Actual class"
        assert figure.layout.xaxis.ticktext == ("a", "b", "c")
        assert figure.layout.yaxis.ticktext == ("a<br>n = 50", "b<br>n = 0", "c<br>n = 10")
        assert figure.layout.yaxis.autorange == "reversed"
        assert "45 of 60" in figure.layout.title.subtitle.text

    @pytest.mark.parametrize("size", range(2, 11))
    @pytest.mark.parametrize("dark", [False, True])
    def test_text_is_readable_from_2_to_10_classes(self, size, dark):
        matrix = np.random.default_rng(size).integers(0, 500, (size, size))
        figure = confusion_matrix_figure(matrix, [f"class {code}" for code in range(size)], dark=dark)
        font = figure.data[1].textfont
        assert font.size >= 11
        assert len(font.color) == size * size
        assert set(font.color) <= {"#0B0D10", "#FFFFFF"}
        if size > 5:
            assert figure.layout.height - figure.layout.margin.b - theme.MARGIN["t"] >= 40 * size

    def test_takes_the_stored_form_of_a_report(self):
        _, _, report = evaluated(3)
        stored = json.loads(json.dumps(report.to_dict()))
        figure = confusion_matrix_figure(stored["matrix"], stored["classes"])
        np.testing.assert_allclose(np.sum(figure.data[0].z, axis=1), 100)

    def test_names_that_look_like_numbers_or_markup(self):
        figure = confusion_matrix_figure([[1, 0], [0, 1]], ["0", "<b>1</b>"])
        assert figure.layout.xaxis.ticktext == ("0", "&lt;b&gt;1&lt;/b&gt;")

    def test_refuses_bad_input(self):
        with pytest.raises(ValueError, match=r"\(2, 3\)"):
            confusion_matrix_figure(np.zeros((2, 3)), ["a", "b"])
        with pytest.raises(ValueError, match="-4"):
            confusion_matrix_figure([[1, -4], [0, 1]], ["a", "b"])


class TestRanking:
    def test_roc_holds_curves_and_areas(self):
        table, classes, report = evaluated(3)
        curves, areas = curves_of(table, classes, report, roc_curve, "roc_auc")
        figure = roc_figure(curves, areas)
        assert len(figure.data) == 4
        for drawn, (name, curve) in zip(figure.data, curves.items(), strict=False):
            np.testing.assert_array_equal(drawn.x, curve["fpr"])
            np.testing.assert_array_equal(drawn.y, curve["tpr"])
            assert drawn.name == f"{name}<br>AUC {areas[name]:.3f}"
            assert drawn.meta == name
            assert drawn.customdata[0] == "none called positive"
            assert f"{curve['threshold'].iloc[1]:.3f}" in drawn.customdata[1]
        chance = figure.data[-1]
        assert (list(chance.x), list(chance.y)) == ([0, 1], [0, 1])

    def test_pr_steps_as_average_precision_counts(self):
        table, classes, report = evaluated(2)
        curves, areas = curves_of(table, classes, report, pr_curve, "pr_auc")
        figure = pr_figure(curves, areas)
        drawn, curve = figure.data[0], curves[classes[0]]
        np.testing.assert_array_equal(drawn.x, curve["recall"])
        np.testing.assert_array_equal(drawn.y, curve["precision"])
        assert drawn.line.shape == "vh"
        # What the eye sees, the area under the steps, is the number in the legend.
        assert np.sum(np.diff(drawn.x) * drawn.y[1:]) == pytest.approx(areas[classes[0]])

    def test_pr_draws_the_prevalence(self):
        table, classes, report = evaluated(3)
        figure = pr_figure(*curves_of(table, classes, report, pr_curve, "pr_auc"))
        lines = [drawn for drawn in figure.data if "prevalence" in drawn.name]
        assert [line.y[0] for line in lines] == pytest.approx([(table["label"] == name).mean() for name in classes])
        assert all(line.y[0] == line.y[1] for line in lines)
        assert [line.line.color for line in lines] == [drawn.line.color for drawn in figure.data[:3]]

    def test_runs_on_the_same_images_share_one_prevalence(self):
        table, classes, _ = evaluated(2)
        curve = pr_curve(table, classes, classes[0])
        figure = pr_figure({"run a": curve, "run b": curve}, {"run a": 0.9, "run b": 0.9})
        assert len([drawn for drawn in figure.data if "prevalence" in drawn.name]) == 1

    @pytest.mark.parametrize(("draw", "curve"), [(roc_figure, roc_curve), (pr_figure, pr_curve)])
    def test_what_is_not_defined_is_said(self, draw, curve):
        table, classes, _ = evaluated(2, kind="one class")
        absent = next(name for name in classes if name not in set(table["label"]))
        figure = draw({absent: curve(table, classes, absent)}, {absent: None})
        assert "Not defined" in note(figure, "remark").text
        table, classes, report = evaluated(3, kind="absent")
        curves, areas = curves_of(table, classes, report, curve, "roc_auc")
        figure = draw(curves, areas)
        assert any("not defined" in drawn.name for drawn in figure.data)
        assert not notes(figure, "remark")

    def test_refuses_bad_input(self):
        table, classes, _ = evaluated(2)
        curve = roc_curve(table, classes, classes[0])
        with pytest.raises(ValueError, match="run b"):
            roc_figure({"run a": curve}, {"run a": 0.5, "run b": 0.5})
        with pytest.raises(ValueError, match="'recall'"):
            pr_figure({"run a": curve}, {"run a": 0.5})


class TestMetrics:
    def test_dots_and_bars_are_the_values_and_intervals(self):
        _, _, report = evaluated(2, positive="glioma")
        figure = metrics_figure(report.to_dict())
        rows = list(figure.layout.yaxis.ticktext)
        drawn = trace(figure, "with 95 % interval")
        for x, y, above, below in zip(drawn.x, drawn.y, drawn.error_x.array, drawn.error_x.arrayminus, strict=True):
            name = rows[y].lower()
            assert x == getattr(report, name)
            assert (x - below, x + above) == pytest.approx(report.intervals[name])
        assert {rows[y] for y in drawn.y} == {"Accuracy", "Sensitivity", "Specificity", "Precision"}
        others = trace(figure, "no interval")
        assert others.error_x.array is None
        assert len(others.x) + len(drawn.x) == len(rows) == 9
        one = report.per_class["glioma"]
        assert note(figure, "sensitivity").text.endswith(f"<br>{one.tp} of {one.support}")
        assert note(figure, "specificity").text.endswith(f"<br>{one.tn} of {60 - one.support}")
        assert note(figure, "precision").text.endswith(f"<br>{one.tp} of {one.tp + one.fp}")
        assert note(figure, "accuracy").text.endswith(f"<br>{one.tp + one.tn} of 60")
        assert "n = 60 images" in figure.layout.title.subtitle.text
        assert "glioma" in figure.layout.title.subtitle.text

    def test_means_over_classes_have_no_bars(self):
        _, _, report = evaluated(4)
        figure = metrics_figure(report.to_dict())
        assert list(trace(figure, "with 95 % interval").x) == [report.accuracy]
        assert "means over 4 classes" in figure.layout.title.subtitle.text

    def test_not_defined_is_written_and_not_drawn(self):
        _, classes, _ = evaluated(2)
        table, _ = random_table(np.random.default_rng(0), 2, 20, "one class")
        absent = next(name for name in classes if name not in set(table["label"]))
        figure = metrics_figure(evaluate(table, classes, absent).to_dict())
        assert note(figure, "sensitivity").text == note(figure, "roc_auc").text == "not defined"
        drawn = [y for dots in figure.data for y in dots.y]
        assert list(figure.layout.yaxis.ticktext).index("Sensitivity") not in drawn

    def test_the_axis_reaches_below_0_for_a_negative_correlation_only(self):
        _, _, wrong = evaluated(2, kind="all wrong", positive="glioma")
        assert metrics_figure(wrong.to_dict()).layout.xaxis.range[0] < -1
        _, _, right = evaluated(2, kind="perfect", positive="glioma")
        assert metrics_figure(right.to_dict()).layout.xaxis.range[0] > -0.1

    @pytest.mark.parametrize("kind", KINDS)
    def test_any_report_can_be_drawn(self, kind):
        for size, positive in ((2, "glioma"), (2, None), (4, None)):
            for rows in (1, 30):
                _, _, report = evaluated(size, rows, kind, positive)
                assert json.loads(metrics_figure(report.to_dict()).to_json())["data"]

    def test_refuses_a_report_that_lacks_a_part(self):
        _, _, report = evaluated(2)
        stored = report.to_dict()
        del stored["f1"]
        with pytest.raises(ValueError, match="lacks f1"):
            metrics_figure(stored)


class TestPage:
    def test_is_whole_and_needs_no_network(self, tmp_path):
        path = tmp_path / "new" / "roc.html"
        save_html(every_figure(True)["roc"], path)
        page = path.read_text(encoding="utf-8")
        assert page.startswith("<!doctype html>")
        assert "<title>ROC curve</title>" in page
        assert theme.DARK.paper in page
        assert 'src="plotly.min.js"' in page
        assert not re.search(r"https?://", page)
        assert '"showSendToCloud": false' in page
        assert sorted(file.name for file in path.parent.iterdir()) == ["plotly.min.js", "roc.html"]

    def test_plotlyjs_is_written_once_and_renewed_when_it_differs(self, tmp_path):
        figure = go.Figure()
        save_html(figure, tmp_path / "a.html")
        script = tmp_path / "plotly.min.js"
        first = script.stat()
        save_html(figure, tmp_path / "b.html")
        assert script.stat().st_mtime_ns == first.st_mtime_ns
        script.write_text("an older version")
        save_html(figure, tmp_path / "b.html")
        assert script.stat().st_size == first.st_size

    def test_a_failed_write_leaves_the_old_page(self, tmp_path, monkeypatch):
        path = tmp_path / "a.html"
        save_html(go.Figure(), path)
        before = path.read_bytes()
        monkeypatch.setattr("pathlib.Path.write_text", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
        with pytest.raises(OSError, match="disk full"):
            save_html(every_figure(False)["roc"], path)
        assert path.read_bytes() == before
        assert len(list(tmp_path.iterdir())) == 2

    def test_hostile_names_do_not_become_markup(self, tmp_path):
        table, classes, report = evaluated(2, positive="glioma")
        names = [HOSTILE, "b"]
        renamed = table.replace({classes[0]: HOSTILE, classes[1]: "b"})
        renamed = renamed.rename(columns={"p_glioma": f"p_{HOSTILE}", "p_meningioma": "p_b"})
        report = evaluate(renamed, names, HOSTILE)
        figures = [
            confusion_matrix_figure(report.matrix, names),
            roc_figure({HOSTILE: roc_curve(renamed, names, HOSTILE)}, {HOSTILE: report.roc_auc}),
            pr_figure(*curves_of(renamed, names, report, pr_curve, "pr_auc")),
            metrics_figure(report.to_dict()),
        ]
        for figure in figures:
            save_html(figure, tmp_path / "page.html")
            page = (tmp_path / "page.html").read_text(encoding="utf-8")
            assert "<script>alert" not in page
            assert "<b>x" not in json.dumps(figure.to_dict(), default=str)
            # Only the fixed words of a hover may hold placeholders, never a name.
            assert not any("script" in (drawn.hovertemplate or "") for drawn in figure.data)


@pytest.mark.slow
def test_figures_do_not_load_torch_fastai_or_mlflow():
    code = (
        "import sys, brainseg.plots, brainseg.evaluation.classification, brainseg.evaluation.hardest;"
        "print([name for name in ('torch', 'fastai', 'mlflow', 'sklearn', 'streamlit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

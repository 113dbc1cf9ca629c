"""Figures at any width, the doubt about a learning rate, and what a star over an epoch means."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainseg.plots import doubt, training_curves
from brainseg.plots.comparison_curves import comparison_curves
from brainseg.plots.epoch_axis import epoch_step
from brainseg.plots.narrow_layout import LINE, SIDE, TOP, fit
from brainseg.plots.search_parallel import Axis, parallel_figure
from tests.plots.test_run_plots import every_figure, history


def test_nothing_beside_the_plot_takes_room_from_it() -> None:
    for name, figure in every_figure(False).items():
        words = figure.layout.title.text
        drawn = fit(figure)
        assert words
        assert drawn.layout.title.text is None, name
        assert drawn.layout.margin.r <= 20, name
        assert not [trace for trace in drawn.data if trace.legend not in (None, "legend")], name
        for note in drawn.layout.annotations:
            assert not (note.xref == "paper" and note.xanchor == "left" and note.x > 1), name


@pytest.mark.parametrize("last", [3, 15, 16, 100, 151])
def test_epochs_have_whole_numbers_on_their_axis(last: int) -> None:
    epochs = pd.DataFrame({"epoch": range(1, last + 1), "valid_loss": 0.5, "train_loss": 0.4, "accuracy": 0.9})
    for axis in comparison_curves({"one": epochs}).select_xaxes():
        assert axis.dtick == epoch_step(last)
        assert axis.dtick == int(axis.dtick)
        assert last / axis.dtick <= 15.1


@pytest.mark.parametrize(
    ("keeps", "said"),
    [("last", "the model is that of the last epoch, 6"), ("best", "whose weights the model has"), (None, "(starred)")],
)
def test_the_star_is_not_taken_for_the_model(keeps, said: str) -> None:
    epochs = history(6, 2)
    epochs.loc[2, "valid_loss"] = 0.001
    figure = training_curves(epochs, keeps=keeps)
    assert "lowest validation loss" in {trace.name for trace in figure.data}
    assert figure.layout.title.subtitle.text.endswith(said)


def search(steps: int, noise: float) -> pd.DataFrame:
    """A search whose loss falls from 1 to 0.5 at a rate of 1e-2 and blows up beyond it."""
    rates = np.geomspace(1e-6, 1, steps)
    place = np.linspace(0, 1, steps)
    smoothed = np.where(place < 0.667, 1 - 0.5 * (place / 0.667) ** 2, 0.5 + 20 * (place - 0.667) ** 2)
    scatter = noise * np.where(np.arange(steps) % 2, 1, -1)
    return pd.DataFrame({"learning_rate": rates, "loss": smoothed + scatter, "smoothed_loss": smoothed})


def test_a_suggested_rate_is_doubted_where_its_curve_does_not_carry_it() -> None:
    assert doubt(search(100, 0.02), 1e-3) == ""
    assert "varies between batches as much as the curve falls" in doubt(search(100, 0.5), 1e-3)
    assert "only 20 usable steps" in doubt(search(20, 0.02), 1e-3)
    assert "edge of the rates" in doubt(search(100, 0.02), 1.2e-6)
    assert "edge of the rates" in doubt(search(100, 0.02), 0.9)
    assert "0 usable steps" in doubt(search(100, 0.02).iloc[:0], None)
    assert "usable steps" in doubt(search(100, 0.02).assign(loss=np.nan), 1e-3)


def test_values_of_metrics_stay_readable() -> None:
    figure = fit(every_figure(False)["metrics"])
    values = [note for note in figure.layout.annotations if note.name == "accuracy"]
    assert values[0].xanchor == "right"
    assert "<br>" not in values[0].text


def test_the_names_of_parallel_axes_are_not_cut_off() -> None:
    table = pd.DataFrame(
        {"value": [0.61234, 0.7], "model.dropout": [0.12345, 0.5], "training.learning_rate": [1e-4, 1]}
    )
    axes = [Axis("training.learning_rate", log=True), Axis("model.dropout")]
    figure = fit(parallel_figure(table, axes, "Accuracy"))
    assert figure.layout.margin.t >= TOP + 2 * LINE
    assert figure.layout.margin.r > 2 * SIDE  # the last name is centred on the last axis
    [lines] = figure.data
    assert [each.label for each in lines.dimensions] == ["learning_rate<br>(log)", "dropout", "Accuracy"]
    assert {each.tickformat for each in lines.dimensions[1:]} == {".3~g"}
    assert "darker lines: higher accuracy" in parallel_figure(table, axes, "Accuracy").layout.title.subtitle.text

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from fastai.callback.schedule import valley

from brainseg.tasks import task_of
from brainseg.training.learner import suggest
from brainseg.training.lr_finder import find_rate, load_curve, save_curve
from brainseg.training.setup import open_run


def falling_curve(steps: int = 80, seed: int = 0) -> pd.DataFrame:
    rates = np.geomspace(1e-6, 1, steps)
    shape = 1 / (1 + (rates / 1e-3)) + (rates / 0.1) ** 2 + np.random.default_rng(seed).normal(0, 0.01, steps)
    return pd.DataFrame({"learning_rate": rates, "loss": shape, "smoothed_loss": shape})


@pytest.mark.parametrize("seed", range(5))
def test_the_suggestion_is_fastais_own_on_the_same_curve(seed: int) -> None:
    curve = falling_curve(seed=seed)
    # fastai's lr_find leaves out the first tenth and the last five points before it computes the valley.
    rates, losses = curve["learning_rate"][8:-5].to_list(), curve["smoothed_loss"][8:-5].to_list()
    assert suggest(curve) == valley(rates, losses, len(rates))[0]
    assert 1e-5 < suggest(curve) < 1e-1


def test_a_short_or_broken_curve_still_gives_a_rate() -> None:
    curve = falling_curve(7)
    curve.loc[4:, "smoothed_loss"] = np.nan
    assert suggest(curve) > 0


def test_the_finder_leaves_the_model_alone_and_stores_its_curve(home, tmp_path, config, recorder) -> None:
    settings = config({"training.finder_steps": 30})
    context = open_run(task_of(settings), recorder(), tmp_path)
    before = {name: value.clone() for name, value in context.model.state_dict().items()}
    curve, suggestion = find_rate(context)
    assert all(value.equal(before[name]) for name, value in context.model.state_dict().items())
    assert list(curve.columns) == ["learning_rate", "loss", "smoothed_loss"]
    assert 10 < len(curve) <= 30
    assert curve["learning_rate"].is_monotonic_increasing
    assert suggestion == suggest(curve)
    save_curve(curve, suggestion, tmp_path / "curve.json")
    again, same = load_curve(tmp_path / "curve.json")
    pd.testing.assert_frame_equal(again, curve)
    assert same == suggestion

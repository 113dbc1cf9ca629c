"""Out-of-fold predictions of an instant baseline, against scikit-learn's own pipeline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from brainseg.config import RunConfig
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError
from brainseg.training.frozen_features import out_of_fold

CONFIG = RunConfig.from_preset("quick", {"model.head": "logistic", "model.regularisation": 0.1, "data.seed": 2**32 - 1})


def dataset(labels: list[str], twins: list[str]) -> Dataset:
    table = pd.DataFrame({"path": [f"{n:03d}" for n in range(len(labels))], "label": labels, "twin": twins})
    return Dataset(Path(), table.assign(group="", sha256=table["path"]), ("no", "yes"))


def test_each_image_is_predicted_without_itself_and_its_copies() -> None:
    random = np.random.default_rng(0)
    labels = ["no", "yes"] * 25
    features = random.normal(size=(50, 6)) + (np.arange(50) % 2)[:, None]
    twins = [f"near {n // 2}" if n < 20 else "" for n in range(50)]
    table = out_of_fold(features, dataset(labels, twins), CONFIG, repeats=2)
    assert len(table) == 100
    codes = np.array([name == "yes" for name in labels])
    for repeat, rows in table.groupby("repeat"):
        rows = rows.set_index("path").sort_index()
        assert rows.index.tolist() == [f"{n:03d}" for n in range(50)]
        folds = rows["fold"].to_numpy()
        assert set(folds) == set(range(5))
        assert (folds[0:20:2] == folds[1:20:2]).all(), repeat
        assert (rows["unit"].to_numpy()[0:20:2] == rows["unit"].to_numpy()[1:20:2]).all()
        for fold in range(5):
            held = folds == fold
            fitted = make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=2000))
            expected = fitted.fit(features[~held], codes[~held]).predict_proba(features[held])
            np.testing.assert_allclose(rows.loc[held, ["p_no", "p_yes"]].to_numpy(), expected, atol=1e-5)
    first, second = (rows["fold"].tolist() for _, rows in table.groupby("repeat"))
    assert first != second


def test_a_small_class_has_fewer_folds_and_one_copied_image_none() -> None:
    features = np.random.default_rng(0).normal(size=(20, 3))
    labels = ["no"] * 17 + ["yes"] * 3
    assert set(out_of_fold(features, dataset(labels, [""] * 20), CONFIG, repeats=1)["fold"]) == {0, 1, 2}
    with pytest.raises(DataError, match="Class 'yes' has fewer independent images"):
        out_of_fold(features, dataset(labels, [""] * 17 + ["near 1"] * 3), CONFIG)

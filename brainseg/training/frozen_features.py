"""Out-of-fold predictions for every image of an instant baseline, from the features of its frozen network.

The network of an instant baseline has never seen the labels, so only its linear classifier is cross-validated: the
features are computed once, and each fit takes a second.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import pandas as pd
import torch
from torch import nn

from brainseg.config import RunConfig
from brainseg.datasets.splits import fold_members, leak_groups
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError
from brainseg.evaluation.predictions import predict_logits, prediction_table
from brainseg.models.architectures import Classifier, Network
from brainseg.preparation.cache import PreparedImages
from brainseg.training.baseline import fit_linear
from brainseg.training.protocols import Task

FOLDS, REPEATS = 5, 5
"""Largest number of folds, and how often they are drawn: the mean over several draws depends less on chance."""
SEEDS = 2**32
IDENTITY = ["path", "label", "group", "sha256"]


def frozen_predictions(
    task: Task[Dataset], model: Classifier, split: pd.DataFrame, report_progress: Callable[[int, int], None]
) -> pd.DataFrame:
    """Return out-of-fold predictions for every image of the dataset of an instant baseline.

    Args:
        task: The task of the run, with the dataset at its present place.
        model: The run's model.
        split: The run's split: columns `path`, `label`, `group` and `sha256`.
        report_progress: Called with (images done, images in all) while images are read, prepared and analysed.

    Returns:
        `out_of_fold`, with the column `sha256`.

    Raises:
        DataError: The dataset is gone, was changed since the run was trained, or is too small for folds.
        ScanError: An image can no longer be read.
    """
    config = task.config
    dataset = task.open(report_progress).usable(config.data.skip_bad, config.data.allow_conflicting_labels)
    _refuse_changes(dataset.table, split)
    labels = pd.Index(dataset.classes).get_indexer(pd.Index(dataset.table["label"])).astype(np.int64)
    images, _ = task.prepare(dataset, labels, np.arange(len(labels)), report_progress)
    features = frozen_features(model, images, config.preparation.normalise, report_progress)
    table = out_of_fold(features, dataset, config)
    digests = dict(zip(dataset.table["path"], dataset.table["sha256"], strict=True))
    return table.assign(sha256=table["path"].map(digests))


def frozen_features(
    model: Classifier,
    images: PreparedImages,
    method: str,
    report_progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Return the (N, F) float64 inputs of the linear layer of an instant baseline.

    Args:
        model: With a pooling layer and a linear layer as its head.
        images: Prepared images.
        method: How the model's inputs are normalised.
        report_progress: Called with (images done, images in all).
    """
    pooled = cast("Network", nn.Sequential(model.body, model.head[0]))
    features: np.ndarray = (
        predict_logits(pooled, images, np.arange(len(images)), method, report_progress).double().numpy()
    )
    return features


def out_of_fold(features: np.ndarray, dataset: Dataset, config: RunConfig, repeats: int = REPEATS) -> pd.DataFrame:
    """Cross-validate the linear classifier of an instant baseline; copies and patients stay in one fold.

    Args:
        features: (N, F) float64, from `frozen_features`, in the order of the dataset's table.
        dataset: The images with their labels.
        config: The run's head, regularisation, class balance, and seed of the folds.
        repeats: How often the folds are drawn, each time with the next seed.

    Returns:
        One row per image and repeat: `repeat`, `fold`, `unit` (int64; images of one unit are copies or of one patient)
        and the columns of a table of predictions.

    Raises:
        DataError: A class has images of fewer than two independent units.
    """
    groups, classes = leak_groups(dataset.table), dataset.classes
    labels = pd.Index(classes).get_indexer(pd.Index(dataset.table["label"])).astype(np.int64)
    folds = max(2, min(FOLDS, int(pd.Series(groups).groupby(labels).nunique().min())))
    parts = []
    for repeat in range(repeats):
        for fold, held in enumerate(fold_members(dataset, folds, (config.data.seed + repeat) % SEEDS)):
            rest = np.setdiff1d(np.arange(len(labels)), held)
            fitted = fit_linear(features[rest], labels[rest], groups[rest], config)
            logits = torch.from_numpy(features[held] @ fitted.weight.T + fitted.bias)
            found = prediction_table(dataset.table.iloc[held], logits, classes)
            parts.append(found.assign(repeat=repeat, fold=fold, unit=groups[held]))
    return pd.concat(parts).sort_values(["repeat", "path"], kind="stable", ignore_index=True)


def _refuse_changes(now: pd.DataFrame, split: pd.DataFrame) -> None:
    """Refuse a dataset that is not the one of the run.

    Raises:
        DataError: Names the number of images that differ, and one of them.
    """
    before = split[IDENTITY].astype(str).set_index("path").sort_index()
    after = now[IDENTITY].astype(str).set_index("path").sort_index()
    different = before.index.symmetric_difference(after.index)
    if len(different) == 0:
        different = before.index[(before != after).any(axis=1)]
    if len(different):
        raise DataError(
            f"The dataset changed since the run was trained ({len(different):,} images differ, such as "
            f"{different[0]}): train the run again."
        )

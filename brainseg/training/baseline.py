"""The instant baseline: a linear classifier on pooled features of a frozen body, ready in seconds.

The standardisation and the fitted classifier are combined into one linear map, which becomes the head of the model. So
bundle, evaluation and heatmap work as for any other run.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC
from torch import nn

from brainseg.config import RunConfig
from brainseg.datasets.splits import fold_members, leak_groups
from brainseg.errors import DataError
from brainseg.models.architectures import Classifier
from brainseg.models.inputs import normalise, to_batch
from brainseg.training.context import TrainingContext
from brainseg.training.inputs import D
from brainseg.training.log import Progress, TrainingCancelled

BATCH = 32
PLATT_FOLDS = 3


@dataclass(frozen=True)
class LinearMap:
    """Logits as `features @ weight.T + bias`; weight (classes, features) and bias (classes,), float64."""

    weight: np.ndarray
    bias: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return the class number of each row of (N, features)."""
        numbers: np.ndarray = (features @ self.weight.T + self.bias).argmax(axis=1)
        return numbers


def fit_baseline(context: TrainingContext[D]) -> dict[str, float]:
    """Fit the linear head of the context's model on the training set, in place.

    Returns:
        `cv_accuracy` and `cv_accuracy_spread`: mean and standard deviation of the accuracy over folds of the whole
        dataset, which are drawn like the run's split; nothing for a given split or a dataset too small for the folds.

    Raises:
        TrainingCancelled: The user cancelled the run.
    """
    inputs = context.inputs
    features = pooled_features(context, np.arange(len(inputs.images)))
    train = inputs.rows("train")
    groups = leak_groups(inputs.dataset.table)
    fitted = fit_linear(features[train], inputs.labels[train], groups[train], context.config)
    head = _head(context)
    values = {"weight": torch.from_numpy(fitted.weight), "bias": torch.from_numpy(fitted.bias)}
    head[-1].load_state_dict(values)  # copies into the layer's own number format
    return _cross_validate(features, groups, context)


@torch.no_grad()
def pooled_features(context: TrainingContext[D], rows: np.ndarray) -> np.ndarray:
    """Return the (len(rows), features) float64 inputs of the linear layer, in the order of the rows."""
    body, pool = context.model.to(context.device).eval().body, _head(context)[0]
    parts = []
    for start in range(0, len(rows), BATCH):
        if context.log.cancelled():
            raise TrainingCancelled("The run was cancelled.")
        batch = to_batch(np.stack([context.inputs.images[row] for row in rows[start : start + BATCH]]))
        values = pool(body(normalise(batch.to(context.device), context.config.preparation.normalise)))
        parts.append(values.double().cpu().numpy())
        context.log.progress(Progress("features", min(start + BATCH, len(rows)), len(rows)))
    return np.concatenate(parts)


def fit_linear(features: np.ndarray, labels: np.ndarray, groups: np.ndarray, config: RunConfig) -> LinearMap:
    """Standardise the features, fit the classifier, and combine both into one linear map.

    Args:
        features: (N, F) float64.
        labels: (N,) class numbers; every class occurs.
        groups: (N,) group numbers; a group must not be divided between folds.
        config: The run's head, regularisation and class balance.
    """
    # For a fit on all rows at once, sampling rare classes more often is the same as giving them larger weights.
    weight = None if config.training.balance == "none" else "balanced"
    strength = config.model.regularisation
    return _one_row_per_class(_FITS[config.model.head](features, labels, groups, strength, weight))


def _logistic(
    features: np.ndarray, labels: np.ndarray, _groups: np.ndarray, strength: float, weight: str | None
) -> LinearMap:
    model = make_pipeline(StandardScaler(), LogisticRegression(C=strength, class_weight=weight, max_iter=2000))
    return _combine(model.fit(features, labels))


def _svm(
    features: np.ndarray, labels: np.ndarray, groups: np.ndarray, strength: float, weight: str | None
) -> LinearMap:
    model = make_pipeline(StandardScaler(), LinearSVC(C=strength, class_weight=weight, max_iter=20_000))
    return _platt(model, features, labels, groups)


_FITS = {"logistic": _logistic, "svm": _svm}


def _combine(pipeline: Pipeline) -> LinearMap:
    """Combine scaler and classifier: w (x - m) / s + b = (w / s) x + (b - w m / s)."""
    scaler, linear = pipeline[0], pipeline[-1]
    weight = linear.coef_ / scaler.scale_
    return LinearMap(weight, linear.intercept_ - weight @ scaler.mean_)


def _one_row_per_class(fitted: LinearMap) -> LinearMap:
    """Turn the one score z of two classes into logits -z/2 and z/2, whose softmax is the logistic function of z."""
    if len(fitted.weight) > 1:
        return fitted
    return LinearMap(np.vstack([-fitted.weight, fitted.weight]) / 2, np.concatenate([-fitted.bias, fitted.bias]) / 2)


def _platt(svm: Pipeline, features: np.ndarray, labels: np.ndarray, groups: np.ndarray) -> LinearMap:
    """Turn margins into probabilities by a logistic regression on out-of-fold margins (Platt 1999).

    The regression is linear in the margins, and these are linear in the features, so the result is one linear map.
    """
    folds = StratifiedGroupKFold(PLATT_FOLDS, shuffle=True, random_state=0)
    margins = cross_val_predict(svm, features, labels, groups=groups, cv=folds, method="decision_function")
    link = LogisticRegression(C=1e3, max_iter=2000).fit(margins.reshape(len(labels), -1), labels)
    margin = _combine(svm.fit(features, labels))
    return LinearMap(link.coef_ @ margin.weight, link.coef_ @ margin.bias + link.intercept_)


def _cross_validate(features: np.ndarray, groups: np.ndarray, context: TrainingContext[D]) -> dict[str, float]:
    config, inputs = context.config, context.inputs
    data = config.data
    if data.split == "given" or data.outer_folds or data.test_fraction:  # left-out images must not be looked at
        return {}
    try:
        folds = fold_members(inputs.dataset, config.data.folds, config.data.seed, not config.data.by_image)
    except DataError as error:
        context.log.message(f"No cross-validation: {error}")
        return {}
    scores = []
    for fold in folds:
        rest = np.setdiff1d(np.arange(len(features)), fold)
        fitted = fit_linear(features[rest], inputs.labels[rest], groups[rest], config)
        scores.append(accuracy_score(inputs.labels[fold], fitted.predict(features[fold])))
    mean, deviation = float(np.mean(scores)), float(np.std(scores, ddof=1))
    context.log.message(
        f"Cross-validated accuracy over {len(folds)} folds: {mean:.3f} (standard deviation {deviation:.3f})."
    )
    return {"cv_accuracy": mean, "cv_accuracy_spread": deviation}


def _head(context: TrainingContext[D]) -> nn.Sequential:
    """Return the head of an instant baseline: a pooling layer, then the linear layer."""
    if not isinstance(context.model, Classifier):
        raise TypeError("Only a classifier can be an instant baseline.")
    return context.model.head

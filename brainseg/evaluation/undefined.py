"""One policy for metrics that are not defined: NaN, never 0 or 1, whatever the library underneath returns.

A metric is undefined where its definition divides by zero: sensitivity without a case of the class, precision if the
class was never predicted, an area under a curve with one class only. scikit-learn returns 0 or 1 there, or leaves the
class out of a mean, and warns. The one exception is Matthews' coefficient, 0 by convention if its denominator is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def ratio(part: Any, whole: Any) -> np.ndarray:  # noqa: ANN401 - numbers and arrays alike
    """Return part / whole in float64, NaN where `whole` is 0; numbers and arrays are broadcast.

    >>> ratio([1, 0], [2, 0]).tolist()
    [0.5, nan]
    """
    parts, wholes = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    undefined = np.full(np.broadcast(parts, wholes).shape, np.nan)
    fractions: np.ndarray = np.divide(parts, wholes, out=undefined, where=wholes != 0)
    return fractions


def where_defined(defined: bool, metric: Callable[[], float]) -> float:
    """Return the metric, computed only where it is defined, else NaN.

    >>> where_defined(False, lambda: 1 / 0)
    nan
    """
    return float(metric()) if defined else math.nan


def mean(values: list[float]) -> float:
    """Return the plain mean; one NaN makes it NaN, so that a model gains nothing by never predicting a class.

    >>> mean([1.0, 0.5])
    0.75
    >>> mean([1.0, math.nan])
    nan
    """
    return float(np.mean(values))

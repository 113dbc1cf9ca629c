"""One policy for undefined metrics: they are NaN, never 0 or 1, whatever a library returns.

A metric is undefined if its definition divides by zero: sensitivity without cases of the class, precision if the class
was never predicted, the area under a curve with only one class. scikit-learn then returns 0 or 1, or leaves the class
out of a mean, and warns. The only exception is Matthews' coefficient, which by convention is 0 if its denominator is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np


def ratio(part: Any, whole: Any) -> np.ndarray:  # noqa: ANN401 - numbers and arrays alike
    """Return part / whole in float64, or NaN where `whole` is 0; numbers and arrays are broadcast.

    >>> ratio([1, 0], [2, 0]).tolist()
    [0.5, nan]
    """
    parts, wholes = np.asarray(part, dtype=np.float64), np.asarray(whole, dtype=np.float64)
    undefined = np.full(np.broadcast(parts, wholes).shape, np.nan)
    fractions: np.ndarray = np.divide(parts, wholes, out=undefined, where=wholes != 0)
    return fractions


def where_defined(defined: bool, metric: Callable[[], float]) -> float:
    """Compute and return the metric if it is defined, else NaN.

    >>> where_defined(False, lambda: 1 / 0)
    nan
    """
    return float(metric()) if defined else math.nan


def mean(values: list[float]) -> float:
    """Return the plain mean; one NaN makes it NaN, so a model gains nothing by never predicting a class.

    >>> mean([1.0, 0.5])
    0.75
    >>> mean([1.0, math.nan])
    nan
    """
    return float(np.mean(values))

"""The axis of losses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

FLATTENING = 50
"""On a linear axis, a loss of this many times the median would flatten all other losses."""


def loss_axis(losses: Iterable[pd.Series], title: str) -> dict[str, Any]:
    """Return title and type of a loss axis: logarithmic if single losses would flatten all others.

    Args:
        losses: The losses of each line. Values that are not finite are ignored. With zero or negative values the axis
            is linear.
        title: Title of the axis, with its unit.
    """
    values = np.concatenate([[], *losses]).astype(np.float64)
    known = values[np.isfinite(values)]
    if not known.size or known.min() <= 0 or known.max() < FLATTENING * np.median(known):
        return {"title": title}
    return {"title": f"{title}, log scale", "type": "log", "exponentformat": "power"}

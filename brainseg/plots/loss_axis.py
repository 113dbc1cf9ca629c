"""The axis that losses stand on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

FLATTENING = 50
"""A loss that is so many times the median leaves nothing to be seen of the others on a linear axis."""


def loss_axis(losses: Iterable[pd.Series], title: str) -> dict[str, Any]:
    """Return title and type of a loss axis: logarithmic where single losses would flatten all others.

    Args:
        losses: Of every line that is drawn; what is not finite is left out. Zero and less cannot stand on a
            logarithmic axis.
        title: What the axis shows, with its unit.
    """
    values = np.concatenate([[], *losses]).astype(np.float64)
    known = values[np.isfinite(values)]
    if not known.size or known.min() <= 0 or known.max() < FLATTENING * np.median(known):
        return {"title": title}
    return {"title": f"{title}, log scale", "type": "log", "exponentformat": "power"}

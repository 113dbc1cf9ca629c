"""Measures the size of a model and its time for one image."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Protocol

import pandas as pd

from brainseg.errors import BrainsegError
from brainseg.models.architectures import Network
from brainseg.models.sources import WEIGHTS
from brainseg.scans import Scan, read_scan

_log = logging.getLogger(__name__)
IMAGES = 5
"""Number of timed diagnoses. One more precedes them, since the first call is slower than later ones."""


class TimedModel(Protocol):
    """A model that can be timed: `Predictor` and `Segmenter`."""

    @property
    def model(self) -> Network:
        """The network."""

    def seconds(self, scan: Scan) -> float:
        """Return how long an answer for a scan takes, in seconds."""


def model_costs(
    results: Path, data: Path, open_model: Callable[[Path], TimedModel], predictions: str
) -> dict[str, float]:
    """Measure the size of a model and the time of one diagnosis on this machine's CPU.

    Args:
        results: The results of the training: `bundle/` and the table of predictions, whose first images are diagnosed.
        data: The dataset's folder or manifest.
        open_model: Opens a bundle's folder.
        predictions: Name of the table of predictions.

    Returns:
        `parameters` (trainable numbers in the network), `bundle_mb` (size of the weights file in units of 10^6 bytes)
        and `diagnosis_ms` (median time from scan to answer, including preparation and a classifier's heatmap, but not
        reading the file). What cannot be measured is left out; the trained model is kept in any case.
    """
    bundle, root = results / "bundle", data if data.is_dir() else data.parent
    costs: dict[str, float] = {}
    try:
        opened = open_model(bundle)
        costs["parameters"] = float(sum(parameter.numel() for parameter in opened.model.parameters()))
        costs["bundle_mb"] = (bundle / WEIGHTS).stat().st_size / 1e6
        evaluated = pd.read_parquet(results / predictions, columns=["path"])["path"].head(IMAGES)
        scans = [read_scan(root / path) for path in evaluated]
        opened.seconds(scans[0])
        costs["diagnosis_ms"] = 1000 * median(opened.seconds(scan) for scan in scans)
    except (BrainsegError, OSError, ValueError):
        _log.warning("The costs of the model in %s were not measured.", bundle, exc_info=True)
    return costs

"""What a model costs whoever uses it: size, and time for one image."""

from __future__ import annotations

from pathlib import Path
from statistics import median

import pandas as pd

from brainseg.diagnosis.predictor import Predictor
from brainseg.diagnosis.segmenter import Segmenter
from brainseg.errors import BrainsegError
from brainseg.models.bundle import read_description
from brainseg.models.sources import WEIGHTS
from brainseg.scans import read_scan

IMAGES = 5
"""Diagnoses that the median is taken of; one more goes before them, as a first call is slower than any later one."""


def model_costs(results: Path, data: Path) -> dict[str, float]:
    """Measure what one diagnosis with a judged model costs on this machine's processor.

    Args:
        results: What the training left: `bundle/` and the table of predictions, of whose images the first are
            diagnosed.
        data: The dataset's folder or manifest.

    Returns:
        `parameters` (numbers in the network that a training can change), `bundle_mb` (size of the weights file in
        units of 10^6 bytes) and `diagnosis_ms` (median time from scan to answer, preparation and a classifier's heatmap
        included, reading the file not). What cannot be measured is left out: that is no reason to lose a trained model.
    """
    bundle, root = results / "bundle", data if data.is_dir() else data.parent
    costs: dict[str, float] = {}
    try:
        segments = read_description(bundle).task == "segment"
        one = Segmenter.open(bundle) if segments else Predictor.open(bundle)
        answer = one.segment if isinstance(one, Segmenter) else one.diagnose
        costs["parameters"] = float(sum(parameter.numel() for parameter in one.model.parameters()))
        costs["bundle_mb"] = (bundle / WEIGHTS).stat().st_size / 1e6
        table = results / ("slices.parquet" if segments else "predictions.parquet")
        judged = pd.read_parquet(table, columns=["path"])["path"].head(IMAGES)
        scans = [read_scan(root / path) for path in judged]
        answer(scans[0])
        costs["diagnosis_ms"] = 1000 * median(answer(scan).seconds for scan in scans)
    except (BrainsegError, OSError, ValueError):
        return costs
    return costs

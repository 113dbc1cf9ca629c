"""Measures the heatmaps of a finished run, and stores the result beside its evaluation."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from brainseg.diagnosis.heatmap_checks import IMAGES
from brainseg.diagnosis.heatmap_checks.sample import GROUP_NUMBER, drawn_sample, held_out_images
from brainseg.diagnosis.heatmap_checks.stored import HEATMAPS, StoredHeatmaps, stored_heatmaps
from brainseg.errors import DataError, RunError
from brainseg.files import write_json
from brainseg.results import stored_results
from brainseg.results.run_images import read_image
from brainseg.runs import Run, RunStore
from brainseg.runs.asking import asks_about_run
from brainseg.runs.dataset_location import dataset_location
from brainseg.users.policy import Act

if TYPE_CHECKING:
    from brainseg.diagnosis.pointing import Pointing
    from brainseg.scans import Scan

ReportProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class MeasuredHeatmaps:
    """What was measured on the heatmaps of a run.

    Attributes:
        stored: The content of its `heatmaps.json`.
        pointing: The comparison with masks; None where it was not possible.
        problem: A sentence on why not; "" otherwise.
    """

    stored: StoredHeatmaps
    pointing: Pointing | None
    problem: str


@asks_about_run(Act.MEASURE)
def measure_run_heatmaps(
    store: RunStore, run: Run, images: int = IMAGES, report_progress: ReportProgress | None = None
) -> MeasuredHeatmaps:
    """Compare a run's heatmaps with masks, if its dataset has any, check them on a sample, and store both.

    Args:
        store: The store of the run.
        run: A finished run that classifies.
        images: Most images in the sample.
        report_progress: Called with (steps done, steps in total), first for the masks, then for the checks.

    Raises:
        RunError: The run has no model, or does not record its held-out images.
        BundleError: The model cannot be used.
        DataError: The dataset no longer exists.
        ScanError: An image is missing or was changed.
    """
    from brainseg.diagnosis.heatmap_checks.measure import check_heatmaps
    from brainseg.diagnosis.predictor import Predictor

    bundle, split, data = store.bundle(run), stored_results.split(store, run), dataset_location(run)
    if split is None:
        raise RunError(f"Run {run.name!r} has no split.csv, so its held-out images are unknown: train it again.")
    held_out = held_out_images(split)
    if held_out.empty:
        raise RunError(
            f"Run {run.name!r} has no held-out images to measure heatmaps on: train it with a validation set."
        )
    if not data.exists():
        raise DataError(f"The dataset {data} no longer exists: restore it to measure heatmaps on it.")
    pointing, problem = _pointing(bundle, split, data, report_progress)
    sample = drawn_sample(held_out, images)
    groups = [int(number) for number in sample[GROUP_NUMBER]]
    predictor = Predictor.open(bundle)
    checks = check_heatmaps(predictor, _scans(run, sample), groups, len(held_out), report_progress=report_progress)
    stored = stored_heatmaps(pointing.to_dict() if pointing else None, checks)
    with tempfile.TemporaryDirectory() as temporary:
        write_json(Path(temporary) / HEATMAPS, stored)
        store.log_file(run.id, Path(temporary) / HEATMAPS)
    return MeasuredHeatmaps(stored, pointing, problem)


def _pointing(
    bundle: Path, split: pd.DataFrame, data: Path, report_progress: ReportProgress | None
) -> tuple[Pointing | None, str]:
    """Return the comparison with masks, or a sentence on why there is none."""
    from brainseg.diagnosis.heatmap_measurement import measure_heatmaps

    try:
        return measure_heatmaps(bundle, split, data, report_progress), ""
    except DataError as error:
        return None, str(error)


def _scans(run: Run, sample: pd.DataFrame) -> Iterator[tuple[Scan, str]]:
    for path, label, digest in zip(sample["path"], sample["label"], sample["sha256"], strict=True):
        yield read_image(run, path, digest), label

"""Measures a classifier's heatmaps on slices with masks that it did not learn from."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from brainseg.datasets.image_reading import read_named
from brainseg.datasets.mask_sources import open_masked_dataset
from brainseg.datasets.masks import MaskedDataset
from brainseg.datasets.split_table import SPLIT, read_split
from brainseg.diagnosis.heatmap_checks.sample import GROUP_NUMBER, held_out_images
from brainseg.diagnosis.heatmap_checks.stored import HEATMAPS, stored_heatmaps
from brainseg.diagnosis.pointing import Pointing, measure_pointing
from brainseg.diagnosis.predictor import Predictor
from brainseg.errors import BrainsegError, DataError, ScanError
from brainseg.files import write_json
from brainseg.scans import Scan

_log = logging.getLogger(__name__)
ReportProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class TumourSlices:
    """The held-out slices of a dataset whose masks contain a tumour.

    Attributes:
        dataset: The images with their masks.
        rows: Their rows in its table.
        digests: Path -> SHA-256 of each held-out image when the run was evaluated.
        groups: The patient or group of copies of each slice.
    """

    dataset: MaskedDataset
    rows: list[int]
    digests: dict[str, str]
    groups: list[int]

    def read(self, report_progress: ReportProgress | None = None) -> Iterator[tuple[Scan, np.ndarray]]:
        """Yield each slice with its mask, (H, W).

        Raises:
            ScanError: An image has changed since the evaluation, or can no longer be read.
        """
        for done, row in enumerate(self.rows, start=1):
            path = self.dataset.table["path"].iloc[row]
            scan = read_named(self.dataset.root, path)
            if scan.sha256 != self.digests[path]:
                raise ScanError(f"{path} has changed since the run was evaluated, so its heatmap is not measured.")
            yield scan, self.dataset.read_mask(row)
            if report_progress:
                report_progress(done, len(self.rows))


def tumour_slices(split: pd.DataFrame, data: Path) -> TumourSlices:
    """Return the held-out slices with a tumour.

    Args:
        split: The set of each image, as from `read_split`.
        data: The dataset's folder or manifest.

    Raises:
        DataError: The dataset no longer exists, has no masks, or no mask of that set contains a tumour.
    """
    held_out = held_out_images(split)
    digests = dict(zip(held_out["path"], held_out["sha256"], strict=True))
    group_of = dict(zip(held_out["path"], held_out[GROUP_NUMBER], strict=True))
    dataset = _with_masks(data, digests)
    rows = [row for row, pixels in enumerate(dataset.table["mask_pixels"]) if pixels]
    if not rows:
        raise DataError(f"{data}: none of the masks of the {len(digests)} held-out images contains a tumour.")
    groups = [int(group_of[dataset.table["path"].iloc[row]]) for row in rows]
    return TumourSlices(dataset, rows, digests, groups)


def measure_heatmaps(
    bundle: Path,
    split: pd.DataFrame,
    data: Path,
    report_progress: ReportProgress | None = None,
) -> Pointing:
    """Measure how often a classifier's heatmap finds the tumour on the validation or test set of its dataset.

    Args:
        bundle: The folder of the classifier's bundle.
        split: The set of each image, as from `read_split`.
        data: The dataset's folder or manifest. The training did not use its masks.
        report_progress: Called with (slices done, slices in total).

    Raises:
        BundleError: The bundle cannot be used, or holds a segmentation model.
        DataError: The dataset no longer exists, has no masks, or no mask of that set contains a tumour.
        ScanError: An image of that set has changed since the evaluation, or can no longer be read.
    """
    predictor, slices = Predictor.open(bundle), tumour_slices(split, data)
    return measure_pointing(predictor, slices.read(report_progress), slices.groups)


def measure_and_store_heatmaps(
    results: Path, data: Path, report_progress: ReportProgress | None = None
) -> Pointing | None:
    """Measure the heatmaps of a newly trained model, and store the result beside its evaluation.

    Args:
        results: The folder of the training's results; `heatmaps.json` is written to it.
        data: The dataset's folder or manifest.
        report_progress: Called with (slices done, slices in total).

    Returns:
        The result. None if the dataset has no masks or the measurement fails; the trained model is kept in any case.
    """
    try:
        split = read_split(results / SPLIT)
        found = measure_heatmaps(results / "bundle", split, data, report_progress)
        write_json(results / HEATMAPS, stored_heatmaps(found.to_dict()))
    except BrainsegError:
        return None
    except (OSError, ValueError):
        _log.warning("The heatmaps of %s were not measured.", results, exc_info=True)
        return None
    return found


def _with_masks(data: Path, digests: dict[str, str]) -> MaskedDataset:
    if not data.exists():
        raise DataError(f"The dataset {data} no longer exists: restore it to measure heatmaps on it.")
    try:
        dataset = open_masked_dataset(data, groups="none", only=digests)
    except DataError as error:
        raise DataError(f"Heatmaps cannot be measured without masks of the held-out images: {error}") from error
    if not len(dataset.table):
        fault = f" ({dataset.bad[0].reason.rstrip('.')})" if dataset.bad else ""
        raise DataError(f"{data} has no usable mask for any of the {len(digests)} held-out images{fault}.")
    return dataset

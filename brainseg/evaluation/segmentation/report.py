"""The metrics of a segmentation: plain numbers that can be stored as JSON."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from brainseg.evaluation.report import plain
from brainseg.evaluation.stored import MaskCases, SegmentationEvaluation

EMPTY_RULES = ("skip", "one")
"""Rules for slices or patients for which both masks are empty: "skip" leaves them out of every mean, as nnU-Net does;
"one" gives them a score of 1, so a model that predicts nothing looks good on slices without a tumour."""


@dataclass(frozen=True)
class SegmentationReport:
    """All scores of one table of slices. Undefined scores are NaN.

    Scores compare all other classes together with the background; `per_class` has the scores of each class.

    Attributes:
        slices: Number of slices.
        patients: Number of patients, or of slices if no patient is known.
        unit: "patient", or "slice" if no patient is known; then the intervals treat slices as independent.
        rule: The empty-mask rule, one of `EMPTY_RULES`.
        both_empty: Slices on which both masks are empty.
        cases: Both empty, missed, false alarm or overlap, of slices, patients and lesions.
        dice: Pooled, that is, from the pixels of all slices together.
        iou: Pooled.
        precision: Pooled proportion of predicted pixels that are correct.
        sensitivity: Pooled proportion of true pixels that were found.
        specificity: Pooled proportion of background pixels that were not marked.
        slice_dice: Mean Dice over slices.
        slice_iou: Mean IoU over slices.
        slices_counted: Slices in these means.
        patient_dice: Mean over patients of the Dice of the patient's whole volume.
        patient_iou: Mean over patients of the IoU of the patient's whole volume.
        patients_counted: Patients in these means.
        hd95_mm: Mean 95 % Hausdorff distance over the slices with a spacing on which neither mask is empty, in mm.
        hd95_mm_slices: Slices in this mean.
        hd95_pixels: The same over slices without a spacing, in pixels.
        hd95_pixels_slices: Slices in this mean.
        hd95_undefined: Slices on which exactly one mask is empty; they are in neither mean.
        detection: Whether a slice contains any tumour: `tp`, `fp`, `fn`, `tn` (slices), `sensitivity`, `specificity`.
        per_class: Name of each class except the background -> pooled `tp`, `fp`, `fn`, `tn` (pixels), `dice`, `iou`,
            `precision`, `sensitivity`, `specificity`, and `patient_dice`.
        matrix: Confusion matrix of pixels, int64 (classes, classes): rows actual, columns predicted.
        intervals: Name of a score -> 95 % interval by bootstrap over patients, or None. The names are those of the
            fields, and `detection_sensitivity` and `detection_specificity`.
        classes: Names of the pixel classes, background first.
    """

    slices: int
    patients: int
    unit: str
    rule: str
    both_empty: int
    cases: MaskCases
    dice: float
    iou: float
    precision: float
    sensitivity: float
    specificity: float
    slice_dice: float
    slice_iou: float
    slices_counted: int
    patient_dice: float
    patient_iou: float
    patients_counted: int
    hd95_mm: float
    hd95_mm_slices: int
    hd95_pixels: float
    hd95_pixels_slices: int
    hd95_undefined: int
    detection: dict[str, float]
    per_class: dict[str, dict[str, float]]
    matrix: np.ndarray
    intervals: dict[str, tuple[float, float] | None]
    classes: tuple[str, ...]

    def to_dict(self) -> SegmentationEvaluation:
        """Return the report as JSON values: lists for arrays and intervals, None for NaN."""
        values: SegmentationEvaluation = plain(dataclasses.asdict(self))
        return values

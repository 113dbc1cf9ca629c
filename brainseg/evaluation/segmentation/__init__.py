"""Evaluation of masks: pixels are counted once per slice, and every score is derived from the counts."""

from brainseg.evaluation.segmentation.baselines import OtsuMasks, evaluate_baselines, otsu
from brainseg.evaluation.segmentation.counts import confusion
from brainseg.evaluation.segmentation.evaluate import evaluate_masks
from brainseg.evaluation.segmentation.hausdorff import hausdorff95
from brainseg.evaluation.segmentation.patients import patient_table
from brainseg.evaluation.segmentation.report import EMPTY_RULES, SegmentationReport
from brainseg.evaluation.segmentation.scores import dice, iou, precision, sensitivity, specificity
from brainseg.evaluation.segmentation.slices import (
    evaluate_slice,
    false_alarms,
    missed_slices,
    slice_table,
    worst_slices,
)
from brainseg.evaluation.segmentation.storage import SavedMasks, load_masks, save_masks

__all__ = [
    "EMPTY_RULES",
    "OtsuMasks",
    "SavedMasks",
    "SegmentationReport",
    "confusion",
    "dice",
    "evaluate_baselines",
    "evaluate_masks",
    "evaluate_slice",
    "false_alarms",
    "hausdorff95",
    "iou",
    "load_masks",
    "missed_slices",
    "otsu",
    "patient_table",
    "precision",
    "save_masks",
    "sensitivity",
    "slice_table",
    "specificity",
    "worst_slices",
]

"""Segmentation: one class for every pixel."""

from brainseg.evaluation.stored import SegmentationEvaluation
from brainseg.tasks.facts import TaskFacts

__all__ = ["FACTS"]

FACTS = TaskFacts(
    name="segment",
    order=1,
    noun="segmentation",
    does="marks tumours",
    model="segmentation model",
    headline="dice",
    headline_words="Dice",
    units="slices",
    independent="patients",
    count="slices",
    predictions="slices.parquet",
    evaluation=SegmentationEvaluation,
    has_masks=True,
    network=lambda model: f"{model.arch} U-Net",
    stages="encoder up to stage {}",
)

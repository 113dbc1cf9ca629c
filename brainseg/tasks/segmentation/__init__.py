"""Segmentation: one class for every pixel."""

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
    evaluation_fields=("slices", "dice", "detection", "intervals", "matrix", "classes"),
    has_masks=True,
    network=lambda model: f"{model.arch} U-Net",
    stages="encoder up to stage {}",
)

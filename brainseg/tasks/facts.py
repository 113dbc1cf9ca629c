"""`TaskFacts`: what the rest of brainseg must know of a task, without importing torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from brainseg.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class TaskFacts:
    """Names, files and words of a task.

    Attributes:
        name: The value of the setting `task`.
        order: Place among the tasks: a model of the first task is offered first.
        noun: The task in one word, which is also its folder: "classification".
        does: What a model of the task does, after its name: "classifies images".
        model: What its models are called: "segmentation model".
        headline: The metric that stands for a run, as reports and the store name it.
        headline_words: The same metric within a sentence.
        units: What a prediction is about: "images" or "slices".
        independent: What the paired tests take as independent: "images" or "patients".
        count: The field of `evaluation.json` with the number of predictions.
        predictions: The file with one row per prediction.
        evaluation_fields: Fields that an `evaluation.json` of the task always has.
        has_masks: Whether a prediction is a mask rather than one class for the whole image.
        network: Returns the network of a run in words, from the run's model settings.
        stages: How a model card names the stages of the body that are in use; "{}" stands for their numbers.
    """

    name: str
    order: int
    noun: str
    does: str
    model: str
    headline: str
    headline_words: str
    units: str
    independent: str
    count: str
    predictions: str
    evaluation_fields: tuple[str, ...]
    has_masks: bool
    network: Callable[[ModelConfig], str]
    stages: str

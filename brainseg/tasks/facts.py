"""`TaskFacts`: what the rest of brainseg needs to know about a task, without importing torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from brainseg.config import ModelConfig


@dataclass(frozen=True, kw_only=True)
class TaskFacts:
    """Names, files and words of a task.

    Attributes:
        name: The value of the setting `task`.
        order: Position among the tasks; a model of the first task is offered first.
        noun: The task in one word, which is also the name of its folder: "classification".
        does: What a model of the task does, to follow its name in a sentence: "classifies images".
        model: The name for its models: "segmentation model".
        headline: The name of the main metric of a run in reports and in the store.
        headline_words: The same metric within a sentence.
        units: The units of predictions: "images" or "slices".
        independent: The units that paired tests treat as independent: "images" or "patients".
        count: The field of `evaluation.json` with the number of predictions.
        predictions: The file with one row per prediction.
        evaluation: Type of the evaluation of its runs: the fields of their `evaluation.json`.
        has_masks: Whether a prediction is a mask, not one class for the whole image.
        network: Returns the name of a run's network, from the run's model settings.
        stages: The words of a model card for the used stages of the body; "{}" stands for their numbers.
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
    evaluation: type[Any]
    has_masks: bool
    network: Callable[[ModelConfig], str]
    stages: str

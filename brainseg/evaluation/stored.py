"""The fields of `evaluation.json`, with their types.

An evaluation stays a plain dictionary, as JSON holds it, whose keys and values a type checker knows. `read_evaluation`
checks them once, where a file is opened. A metric that is not defined is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any, NotRequired, TypeVar, cast, get_type_hints

from pydantic import TypeAdapter
from typing_extensions import TypedDict

from brainseg.models.validation import Basis, Interval, Validation

SCHEMA = 3
"""Version of `evaluation.json`. Files without the field `schema` are of version 1, which is version 2 otherwise. Up to
version 2 the field `evaluated_on` was called `judged_on`."""

Intervals = dict[str, Interval]
"""Name of a metric -> its 95 % interval."""


class Rates(TypedDict):
    """Metrics of one class against all others, or their means over the classes."""

    precision: float | None
    sensitivity: float | None
    specificity: float | None
    f1: float | None
    roc_auc: float | None
    pr_auc: float | None
    intervals: Intervals


class ClassEvaluation(Rates):
    """One class against all others; see `ClassMetrics`."""

    tp: int
    fp: int
    fn: int
    tn: int
    support: int


class ClassificationEvaluation(Basis, Rates):
    """The evaluation of a classifier; see `ClassificationReport`."""

    count: int
    accuracy: float | None
    balanced_accuracy: float | None
    matthews: float | None
    mean_loss: float | None
    per_class: dict[str, ClassEvaluation]
    matrix: list[list[int]]
    classes: list[str]
    positive: str | None


class Detection(TypedDict):
    """Whether a slice has any tumour: numbers of slices, and two proportions of them."""

    tp: int
    fp: int
    fn: int
    tn: int
    sensitivity: float | None
    specificity: float | None


class Cases(TypedDict):
    """How many slices or patients are of each case.

    Attributes:
        both_empty: Neither the true nor the predicted mask has a pixel.
        missed: Only the true one has.
        false_alarm: Only the predicted one has.
        overlap: Both have, and they share a pixel.
        apart: Both have, and they share none: missed and false alarm at once.
    """

    both_empty: int
    missed: int
    false_alarm: int
    overlap: int
    apart: int


class MaskCases(TypedDict):
    """The cases of an evaluation.

    Attributes:
        slices: Of single slices.
        patients: Of the volume of each patient; of slices where no patient is known.
        lesions: True lesions: connected regions of a slice, by `connectivity`.
        lesions_found: Those with at least one marked pixel.
        regions: Connected marked regions.
        regions_false: Those without any true pixel.
        connectivity: Neighbours of a pixel: 4, or 8 with those at its corners.
    """

    slices: Cases
    patients: Cases
    lesions: int
    lesions_found: int
    regions: int
    regions_false: int
    connectivity: int


class SegmentationEvaluation(Basis):
    """The evaluation of a segmentation model; see `SegmentationReport`."""

    slices: int
    patients: int
    unit: str
    rule: str
    both_empty: int
    cases: NotRequired[MaskCases]
    dice: float | None
    iou: float | None
    precision: float | None
    sensitivity: float | None
    specificity: float | None
    slice_dice: float | None
    slice_iou: float | None
    slices_counted: int
    patient_dice: float | None
    patient_iou: float | None
    patients_counted: int
    hd95_mm: float | None
    hd95_mm_slices: int
    hd95_pixels: float | None
    hd95_pixels_slices: int
    hd95_undefined: int
    detection: Detection
    per_class: dict[str, dict[str, float | None]]
    matrix: list[list[int]]
    intervals: Intervals
    classes: list[str]


Evaluation = ClassificationEvaluation | SegmentationEvaluation
E = TypeVar("E", ClassificationEvaluation, SegmentationEvaluation)


def read_evaluation(values: Mapping[str, Any], kind: type[E]) -> E:
    """Return stored values as an evaluation; a metric that the file lacks is not defined.

    Args:
        values: What `evaluation.json` holds, of this schema or an earlier one.
        kind: `ClassificationEvaluation` or `SegmentationEvaluation`.

    Raises:
        ValueError: A field is missing, or a value has another type.
    """
    renamed = {"evaluated_on" if name == "judged_on" else name: value for name, value in values.items()}
    check, undefined = _checker(cast("Any", kind))  # mypy takes such a type for unhashable
    return cast("E", check.validate_python({"intervals": {}, **undefined, **renamed}))


@cache  # takes two hundred times as long as a check, and pages open many evaluations
def _checker(kind: Any) -> tuple[TypeAdapter[Any], dict[str, None]]:  # noqa: ANN401
    """Return what checks the fields of an evaluation, and the metrics that need not be defined."""
    return TypeAdapter(kind), {name: None for name, hint in get_type_hints(kind).items() if hint == float | None}


def metric(evaluation: Evaluation, name: str) -> float | None:
    """Return a metric by its name; None if it is not defined."""
    return cast("dict[str, float | None]", evaluation)[name]


def score(evaluation: SegmentationEvaluation, name: str) -> float | None:
    """Return a score by its name; `detection_sensitivity` and `detection_specificity` are those of `detection`."""
    if name.startswith("detection_"):
        return cast("dict[str, float | None]", evaluation["detection"])[name.removeprefix("detection_")]
    return metric(evaluation, name)


def as_validation(facts: Evaluation | Validation) -> Validation:
    """Return the headline metric of an evaluation and what it stands on; the field of a bundle as it is.

    >>> as_validation({"slices": 9, "dice": 0.5, "intervals": {"dice": (0.3, 0.7)}})
    {'dice': 0.5, 'count': 9, 'dice_interval': (0.3, 0.7)}
    """
    if "intervals" not in facts:
        return cast("Validation", facts)
    values = cast("dict[str, Any]", facts)
    found = {name: values[name] for name in Validation.__annotations__ if name in values}
    headline = "dice" if "dice" in values else "accuracy"
    found["count"] = values["slices" if headline == "dice" else "count"]
    found[f"{headline}_interval"] = values["intervals"].get(headline)
    return cast("Validation", found)

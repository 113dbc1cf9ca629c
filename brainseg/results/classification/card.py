"""What differs in the model card of a classifier: purpose, metrics, confusion matrix and limits."""

from __future__ import annotations

from brainseg.datasets.report_fields import StoredReport
from brainseg.diagnosis.calibrated import calibration_sentence
from brainseg.diagnosis.operating_words import operating_lines
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.evaluation.stored import ClassificationEvaluation, as_validation, metric
from brainseg.models.calibration import Calibration, CalibrationState
from brainseg.models.ensemble import ModelDescription
from brainseg.results.markdown import literal

NOT_FOR = """\
* Not for diagnosis, screening, triage, planning or any other decision about a person. It is not a medical device
  and has not been validated as one.
* Not for finding where a tumour is. The heatmap shows where the model looked, not where the tumour is.
* Not for images unlike its training images: other sequences, planes, scanners, ages or diseases. It answers for any
  image, even one that shows no brain."""
NAMES = {
    "accuracy": "Accuracy",
    "sensitivity": "Sensitivity",
    "specificity": "Specificity",
    "precision": "Precision",
    "balanced_accuracy": "Balanced accuracy",
    "f1": "F1",
    "roc_auc": "Area under the ROC curve",
    "pr_auc": "Average precision",
    "matthews": "Matthews correlation",
}
FEW = 200
"""Evaluated images below which the card states how much one image weighs."""


def purpose(description: ModelDescription) -> str:
    """Return what the model gives, and for what use."""
    classes = ", ".join(map(literal, description.classes))
    positive = f" The class that counts as tumour is {literal(description.positive)}." if description.positive else ""
    return (
        f"Gives one slice of a brain MRI a probability for each of the classes {classes}.{positive} It is meant for "
        "studying how such models learn and where they fail."
    )


def metrics(report: ClassificationEvaluation) -> str:
    """Return the metrics with their intervals, and the confusion matrix.

    Args:
        report: The run's `evaluation.json`.
    """
    tables = ("\n".join(lines(report)) for lines in (metric_lines, confusion_lines))
    return "\n\n".join([evaluation_sentence(report), *tables])


def limits(
    description: ModelDescription, report: ClassificationEvaluation | None, dataset: StoredReport | None
) -> list[str]:
    """Return, by line, what the metrics do not show.

    Args:
        description: What is stored of the model.
        report: The run's evaluation; None where it is lost.
        dataset: The run's `dataset.json`; None where it is lost.
    """
    count = (as_validation(report) if report else description.validation).get("count") or 0
    lines = [
        "* Intervals of proportions of images are Wilson 95 % intervals, which treat images as independent. Slices of "
        "one patient are not, so their true uncertainty is larger. All other intervals are by bootstrap over patients "
        "and groups of copies.",
        f"* {calibration_line(description)}",
        *([f"* {operating_line(description)}"] if description.operating_point else []),
        "* Cropped copies are not found, and may be on both sides of the split.",
    ]
    if 0 < count < FEW:
        lines.insert(0, f"* With {count} evaluated images, one image is {100 / count:.1f} points of accuracy.")
    if dataset and len(dataset["modes"]) > 1:
        lines.append(
            "* Images of several file modes or sources may let a model tell classes apart by how the files were made."
        )
    return lines


def calibration_line(description: ModelDescription) -> str:
    """Return how the probabilities are calibrated, or why they are not, and what that means."""
    return f"{calibration_sentence(description.calibration)} {_meaning(description.calibration)}"


def operating_line(description: ModelDescription) -> str:
    """Return how the model decides, and what this gave on held-out images."""
    return " ".join(operating_lines(description.decides, description.positive, len(description.classes)))


def _meaning(state: CalibrationState) -> str:
    if isinstance(state, Calibration):
        return "On images of another kind they need not hold."
    return "90 % does not mean right nine times in ten."


def metric_lines(report: ClassificationEvaluation) -> list[str]:
    """Return a Markdown table of the headline metrics, by line; proportions of images have their interval.

    Args:
        report: A run's `evaluation.json`.
    """
    about = "the positive class" if report["positive"] else "unweighted means over the classes"
    lines = [f"| metric ({about}) | value | 95 % interval |", "|---|---|---|"]
    for key, name in NAMES.items():
        value, interval = metric(report, key), report["intervals"].get(key)
        written = "not defined" if value is None else f"{value:.3f}"
        lines.append(f"| {name} | {written} | {f'{interval[0]:.3f} to {interval[1]:.3f}' if interval else 'none'} |")
    return lines


def confusion_lines(report: ClassificationEvaluation) -> list[str]:
    """Return the confusion matrix as a Markdown table, by line, with the sensitivity and interval of each class.

    Args:
        report: A run's `evaluation.json`.
    """
    classes = [literal(name) for name in report["classes"]]
    lines = [
        f"| actual class | {' | '.join(f'predicted {name}' for name in classes)} | sensitivity (95 % interval) |",
        "|---" * (len(classes) + 2) + "|",
    ]
    for name, shown, row in zip(report["classes"], classes, report["matrix"], strict=True):
        one = report["per_class"][name]
        sensitivity, interval = one["sensitivity"], one["intervals"]["sensitivity"]
        found = "no image"
        if sensitivity is not None and interval is not None:
            found = f"{sensitivity:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"
        lines.append(f"| {shown} | {' | '.join(map(str, row))} | {found} |")
    return lines

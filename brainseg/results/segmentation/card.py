"""What differs in the model card of a segmentation model: purpose, scores of its masks, and limits."""

from __future__ import annotations

from brainseg.datasets.report_fields import StoredReport
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.evaluation.case_wording import case_sentences
from brainseg.evaluation.segmentation.scores import SCORES
from brainseg.evaluation.stored import SegmentationEvaluation, score
from brainseg.models.description import BundleDescription
from brainseg.results.markdown import literal

NOT_FOR = """\
* Not for diagnosis, screening, triage, planning, measuring or any other decision about a person. It is not a
  medical device and has not been validated as one.
* Not for measuring a tumour: areas and diameters are those of the model's mask, and a single slice has no volume.
* Not for images unlike its training images: other sequences, planes, scanners, ages or diseases. It marks something,
  or nothing, on any image, even one that shows no brain."""
NOT_CALIBRATED = (
    "The probabilities of single pixels are not calibrated; the Calibration tab of the run shows how often they come "
    "true."
)
RULES = {
    "skip": "Slices and patients without any true or marked tumour are left out of the means, as in nnU-Net.",
    "one": "Slices and patients without any true or marked tumour count as 1, which makes a model that marks nothing "
    "look good.",
}


def purpose(description: BundleDescription) -> str:
    """Return what the model gives, from which input, and for what use."""
    classes = ", ".join(map(literal, description.classes[1:]))
    wanted = ", ".join(map(literal, description.modalities or ()))
    inputs = f" It needs these sequences of the slice: {wanted}." if wanted else ""
    return (
        f"Marks on one slice of a brain MRI which pixels are {classes}; all others are "
        f"{literal(description.classes[0])}.{inputs} It is meant for studying how such models learn and where they "
        "fail. It gives no diagnosis: an empty mask does not mean that there is no tumour."
    )


def metrics(report: SegmentationEvaluation) -> str:
    """Return the scores with their intervals, and how often any tumour was found.

    Args:
        report: The run's `evaluation.json`.
    """
    lines = ["| metric | value | 95 % interval |", "|---|---|---|"]
    for key, name in SCORES.items():
        value, interval = score(report, key), report["intervals"].get(key)
        written = "not defined" if value is None else f"{value:.3f}"
        lines.append(f"| {name} | {written} | {f'{interval[0]:.3f} to {interval[1]:.3f}' if interval else 'none'} |")
    found = report["detection"]
    detected = (
        f"Any tumour was marked on {found['tp']} of {found['tp'] + found['fn']} slices with one, and on {found['fp']} "
        f"of {found['fp'] + found['tn']} slices without."
    )
    threshold = report.get("mask_threshold")
    truth = (
        ""
        if threshold is None
        else f" True masks are the pixels of {threshold:g} or more in the mask files (data.mask_threshold)."
    )
    rule = f"{detected} {RULES[report['rule']]}{truth}"
    cases = case_sentences(report["cases"], report["unit"]) if "cases" in report else []
    return "\n\n".join([evaluation_sentence(report), "\n".join(lines), *cases, rule])


def limits(
    description: BundleDescription, report: SegmentationEvaluation | None, dataset: StoredReport | None
) -> list[str]:
    """Return, by line, what the scores do not show.

    Args:
        description: The description in the model's bundle; not needed for this task.
        report: The run's evaluation; None where it is lost.
        dataset: The run's `dataset.json`; not needed for this task.
    """
    drawn = ""
    if report:
        units = f"{report['patients']} patients" if report["unit"] == "patient" else "slices as if independent"
        drawn = f", drawn from {units}"
    return [
        f"* Intervals are 95 % intervals by bootstrap{drawn}; with few patients they are rough.",
        "* Small tumours weigh little in the pooled Dice, and are missed more often than large ones.",
        "* People or programs drew the true masks, and they differ among themselves; how much is not known here.",
        f"* {NOT_CALIBRATED}",
    ]

"""What the card of a model that marks tumours says in its own words."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from brainseg.diagnosis.words import evaluation_sentence
from brainseg.evaluation.segmentation.scores import SCORES
from brainseg.models.description import BundleDescription

NOT_FOR = """\
* Not for diagnosis, screening, triage, planning, measuring or any other decision about a person. It is not a
  medical device and has not been validated as one.
* Not for measuring a tumour: areas and diameters are those of the model's mask, and single slices hold no volume.
* Not for images unlike those that it learnt from: other sequences, planes, scanners, ages or diseases. It marks
  something, or nothing, on any image, also on one that is no brain."""
RULES = {
    "skip": "Slices and patients without any true or marked tumour are in no mean, as nnU-Net has it.",
    "one": "Slices and patients without any true or marked tumour count as 1, which lets a model that marks nothing "
    "look good.",
}


def mask_purpose(description: BundleDescription, literal: Callable[[object], str]) -> str:
    """Say what the model gives, and from what."""
    classes = ", ".join(map(literal, description.classes[1:]))
    wanted = ", ".join(map(literal, description.modalities or ()))
    inputs = f" It needs these sequences of the slice: {wanted}." if wanted else ""
    return (
        f"Marks on one slice of a brain MRI which pixels are {classes}; all others are "
        f"{literal(description.classes[0])}.{inputs} It is meant for studying how such models learn and where they "
        "fail. It gives no diagnosis: an empty mask does not mean that there is no tumour."
    )


def mask_figures(report: Mapping[str, Any]) -> str:
    """Return the scores with their intervals, and how often any tumour was found.

    Args:
        report: The run's `evaluation.json`.
    """
    detection = {f"detection_{name}": value for name, value in report["detection"].items()}
    lines = ["| metric | value | 95 % interval |", "|---|---|---|"]
    for key, name in SCORES.items():
        value, interval = {**report, **detection}.get(key), report["intervals"].get(key)
        written = "not defined" if value is None else f"{value:.3f}"
        lines.append(f"| {name} | {written} | {f'{interval[0]:.3f} to {interval[1]:.3f}' if interval else 'none'} |")
    found = report["detection"]
    told = (
        f"Any tumour was marked on {found['tp']} of {found['tp'] + found['fn']} slices with one, and on {found['fp']} "
        f"of {found['fp'] + found['tn']} slices without."
    )
    soft = report.get("mask_threshold")
    truth = "" if soft is None else f" True masks are what is {soft:g} or more in the mask files (data.mask_threshold)."
    return "\n\n".join([evaluation_sentence(dict(report)), "\n".join(lines), f"{told} {RULES[report['rule']]}{truth}"])


def mask_limits(report: Mapping[str, Any]) -> list[str]:
    """Return what keeps the scores from being read for more than they say."""
    people = f"{report['patients']} patients" if report.get("unit") == "patient" else "slices as if independent"
    drawn = f", drawn from {people}" if report else ""
    return [
        f"* Intervals are 95 % intervals by bootstrap{drawn}; with few patients they are rough.",
        "* Small tumours weigh little in the pooled Dice, and are missed more often than large ones.",
        "* The true masks were drawn by people or programs, which differ among themselves; how much is not known here.",
        "* How sure the model is of a pixel was not checked for calibration.",
    ]

"""Tables of answers, the same from the command line and from pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from typing_extensions import TypedDict

from brainseg import DISCLAIMER
from brainseg.diagnosis.doubts import UNLIKE, joint_verdict
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.methods import METHODS, layer_name
from brainseg.models.export.names import computed_with

if TYPE_CHECKING:
    from brainseg.diagnosis.agreement import Agreement
    from brainseg.diagnosis.answer import Diagnosis
    from brainseg.diagnosis.segmenter import Segmentation
    from brainseg.diagnosis.volume_classes import VolumeClasses
    from brainseg.diagnosis.volume_mask import VolumeMask
    from brainseg.models.trained_on import TrainingData

FORMULA = ("=", "+", "-", "@", "\t")
"""Beginnings of a cell that a spreadsheet runs as a formula; names of files and classes are not trusted."""


def answers_csv(rows: Iterable[dict[str, object]], classes: Iterable[str], masks: bool = False) -> str:
    """Write rows from `answer_row` as CSV.

    Args:
        rows: One row per file.
        classes: The classes, in the order of their columns; none without a classifier.
        masks: Whether a model marked tumours, which adds the columns of `mask_facts`.
    """
    stream = io.StringIO()
    writer = csv.DictWriter(stream, answer_columns(classes, masks), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def answer_columns(classes: Iterable[str], masks: bool = False) -> list[str]:
    """Return the columns of a table of answers; see `answers_csv` for the arguments."""
    probabilities = probability_columns(classes)
    answers = ["label", *probabilities, *_FACTS] if probabilities else []
    return ["file", *RELIABILITY, *answers, *(MASK_FACTS if masks else ()), *HASHES, "error", "disclaimer"]


def probability_columns(classes: Iterable[str]) -> list[str]:
    """Return the columns of the classes' probabilities.

    >>> probability_columns(["no", "yes"])
    ['p_no', 'p_yes']
    """
    return [f"p_{name}" for name in classes]


def answer_row(file: str, answer: Diagnosis | Consensus | str | None, notes: Sequence[str] = ()) -> dict[str, object]:
    """Return an answer as a row, without its images.

    Args:
        file: Name of the file.
        answer: The answer, or the sentence on why there is none; None without a classifier.
        notes: Further sentences on the image.

    Returns:
        Column -> value: the columns of `reliability_cells`, label, probability of each class (`p_<class>`), the
        outcome, the threshold of the positive class ("" if the highest probability decides), the margin of the
        decision, whether the probabilities are calibrated and on how many images, how much an ensemble's members
        disagree about the label (largest minus smallest probability, standard deviation, number of members with
        another label), model, hash, the heatmap's class, method and layer, the backend with its precision, seconds,
        error, and the disclaimer.
    """
    facts = {"error": text_cell(answer)} if isinstance(answer, str) else _facts(answer, notes) if answer else {}
    return {"file": text_cell(file), **facts, "disclaimer": DISCLAIMER}


RELIABILITY, HASHES = ("in_domain", "warnings", "trained_on"), ("image_sha256", "bundle_digest")
"""Columns of every table of answers: how reliable the answer is, and the hashes of its image and model."""


def reliability_cells(
    answers: Sequence[Diagnosis | Consensus | Segmentation | VolumeMask],
    notes: Sequence[str] = (),
    doubt: str = "",
) -> dict[str, object]:
    """Return how reliable the answers to one image are, as cells.

    Args:
        answers: The answers of a classifier, of a segmentation model or of both.
        notes: Further sentences on the image, after the answers' own warnings.
        doubt: A sentence before the warnings, such as that the two answers contradict each other.

    Returns:
        Column -> value: whether the image resembles the models' training images ("true", "false", "" if a bundle has no
        guard), the warnings, what the models were trained on, and the hashes of image file and bundles.
    """
    warnings = [doubt, *(sentence for each in answers for sentence in each.warnings), *notes]
    in_domain = joint_verdict(each.in_domain for each in answers)
    return {
        "in_domain": "" if in_domain is None else str(in_domain).lower(),
        "warnings": text_cell(" ".join(filter(None, dict.fromkeys(warnings)))),
        "trained_on": text_cell(" ".join(dict.fromkeys(each.origin for each in answers))),
        "image_sha256": answers[0].image_sha256,
        "bundle_digest": "+".join(each.digest for each in answers),
    }


class Reliability(TypedDict):
    """How reliable an answer is, as values for JSON; without an answer, `in_domain` and `image_sha256` are None."""

    in_domain: bool | None
    warnings: list[str]
    trained_on: TrainingData
    image_sha256: str | None
    bundle_digest: str


def reliability_values(
    answer: Diagnosis | Consensus | Segmentation | VolumeMask | VolumeClasses, notes: Sequence[str] = ()
) -> Reliability:
    """Return how reliable an answer is, as values for JSON; `notes` are further sentences on the image."""
    return {
        "in_domain": answer.in_domain,
        "warnings": list(dict.fromkeys([*answer.warnings, *notes])),
        "trained_on": answer.trained_on.to_dict(),
        "image_sha256": answer.image_sha256,
        "bundle_digest": answer.digest,
    }


def headline(answer: Diagnosis | Consensus | Segmentation) -> str:
    """Return the text before any prediction: a warning about unlike images, the training data, and other doubts."""
    doubts = [sentence for sentence in answer.warnings if not sentence.startswith(UNLIKE)]
    return " ".join(filter(None, [f"{UNLIKE}." if answer.in_domain is False else "", answer.origin, *doubts]))


_FACTS = (
    "outcome",
    "threshold",
    "margin",
    "calibrated",
    "calibrated_on",
    "spread",
    "deviation",
    "dissenters",
    "model",
    "hash",
    "explained",
    "method",
    "layer",
    "backend",
    "precision",
    "seconds",
)


def _facts(answer: Diagnosis | Consensus, notes: Sequence[str]) -> dict[str, object]:
    facts: dict[str, object] = {
        **reliability_cells([answer], notes),
        "label": text_cell(answer.label),
        **{f"p_{name}": value for name, value in answer.probabilities.items()},
        "outcome": text_cell(answer.outcome),
        "calibrated": str(answer.certainty.calibrated).lower(),
        "threshold": "" if answer.point.threshold is None else answer.point.threshold,
        "margin": answer.decision.margin,
        "calibrated_on": "" if answer.certainty.count is None else answer.certainty.count,
        "model": text_cell(answer.model),
        "hash": answer.version,
        "explained": text_cell(answer.explained) if METHODS[answer.method].of_a_class else "",
        "method": METHODS[answer.method].title,
        "layer": layer_name(answer.stage),
        "backend": answer.backend,
        "precision": answer.precision,
        "seconds": round(answer.seconds, 3),
    }
    if isinstance(answer, Consensus):
        facts["spread"], facts["deviation"] = answer.probability_range[answer.label], answer.deviation[answer.label]
        facts["dissenters"] = len(answer.dissenters)
    return facts


MASK_FACTS = (
    "area",
    "area_unit",
    "diameter",
    "length_unit",
    "regions",
    "marked_by",
    "marked_with",
    "heat_inside",
    "mask_share",
    "heat_peak_inside",
    "mask_doubts",
)


def mask_facts(found: Segmentation, compared: Agreement | None = None) -> dict[str, object]:
    """Return the columns that a mask adds to a row.

    Args:
        found: What was marked.
        compared: The comparison with a classifier's heatmap, if there is one.

    Returns:
        Column -> value: area and largest diameter with their units, number of regions, name and version of the model,
        the backend that ran it, the fraction of the heatmap's sum inside the mask, the fraction of the image that the
        mask covers, whether the heatmap's highest point is inside, and sentences on what makes the mask doubtful.
    """
    facts: dict[str, object] = {
        "area": found.area,
        "area_unit": found.area_unit,
        "diameter": found.diameter,
        "length_unit": found.length_unit,
        "regions": len(found.regions),
        "marked_by": text_cell(found.model),
        "marked_with": computed_with(found.backend, found.precision),
        "mask_share": float((found.mask > 0).mean()),
        "mask_doubts": text_cell(" ".join(found.warnings)),
    }
    if compared:
        facts["heat_inside"], facts["heat_peak_inside"] = compared.energy_inside, compared.hit
    return facts


def text_cell(value: str) -> str:
    """Return a text as a cell that a spreadsheet does not run as a formula."""
    return f"'{value}" if value.startswith(FORMULA) else value


def plain_text(cell: str) -> str:
    """Return the text of a cell from `text_cell`.

    >>> plain_text(text_cell("=1+1")), plain_text(text_cell("'yes'"))
    ('=1+1', "'yes'")
    """
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA) else cell

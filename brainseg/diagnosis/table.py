"""Answers as a table, the same from the command line and from pages."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import TYPE_CHECKING

from brainseg import DISCLAIMER
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.methods import METHODS, layer_name

if TYPE_CHECKING:
    from brainseg.diagnosis.predictor import Diagnosis

FORMULA = ("=", "+", "-", "@", "\t")
"""What makes a spreadsheet run a cell as a formula; file and class names may come from strangers."""


def answers_csv(rows: Iterable[dict[str, object]], classes: Iterable[str]) -> str:
    """Write rows from `answer_row` as CSV.

    Args:
        rows: One a file.
        classes: The classes, in the order of their columns.
    """
    stream = io.StringIO()
    names = ["file", "label", *(f"p_{name}" for name in classes), *_FACTS, "error", "disclaimer"]
    writer = csv.DictWriter(stream, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def answer_row(file: str, answer: Diagnosis | Consensus | str) -> dict[str, object]:
    """Return an answer as a row, without its pictures.

    Args:
        file: Name of the file.
        answer: The answer, or the sentence that says why there is none.

    Returns:
        Column -> value: label, probability of each class (`p_<class>`), how far an ensemble's members disagree about
        the label (largest minus smallest probability, standard deviation, how many say otherwise), model, hash, the
        heatmap's class, method and layer, seconds, error, and the disclaimer.
    """
    facts = {"error": answer} if isinstance(answer, str) else _facts(answer)
    return {"file": text_cell(file), **facts, "disclaimer": DISCLAIMER}


_FACTS = ("spread", "deviation", "dissenters", "model", "hash", "explained", "method", "layer", "seconds")


def _facts(answer: Diagnosis | Consensus) -> dict[str, object]:
    facts: dict[str, object] = {
        "label": text_cell(answer.label),
        **{f"p_{name}": share for name, share in answer.probabilities.items()},
        "model": text_cell(answer.model),
        "hash": answer.version,
        "explained": text_cell(answer.explained) if METHODS[answer.method].of_a_class else "",
        "method": METHODS[answer.method].title,
        "layer": layer_name(answer.stage),
        "seconds": round(answer.seconds, 3),
    }
    if isinstance(answer, Consensus):
        facts["spread"], facts["deviation"] = answer.spread[answer.label], answer.deviation[answer.label]
        facts["dissenters"] = len(answer.dissenters)
    return facts


def text_cell(value: str) -> str:
    """Return a text as a cell that no spreadsheet runs as a formula."""
    return f"'{value}" if value.startswith(FORMULA) else value

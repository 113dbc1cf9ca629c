"""The answers of a study as a table, from which all results are computed."""

from __future__ import annotations

import math

import pandas as pd

from brainseg.reading.answers import positive_score
from brainseg.reading.events import ModelShown
from brainseg.reading.replay import ReaderState, StudyState
from brainseg.reading.study import Study

READER, MODEL, BOTH = "reader alone", "model alone", "reader with model"
"""The conditions: who answered."""
COLUMNS = (
    "reader", "order", "case", "group", "truth", "mask", "finding", "confidence", "box", "seconds", "times_shown",
    "model_finding", "model_probability", "model_outcome", "second_finding", "second_confidence", "second_seconds",
    *(f"score {name}" for name in (READER, MODEL, BOTH)),
)  # fmt: skip
FINDINGS = {READER: "finding", MODEL: "model_finding", BOTH: "second_finding"}
"""Condition -> the column with its classes."""


def answer_table(study: Study, state: StudyState) -> pd.DataFrame:
    """Return all answers to cases that are done, one row per reader and case.

    Args:
        study: The study.
        state: Its state.

    Returns:
        Columns `COLUMNS`: `order` is the place of the case in the reader's order, from 1; `box` is a tuple or None;
        `times_shown` counts the sittings in which the case was shown before it was answered; `score <condition>` is the
        score of the positive class (0..1). Values of the model and of the second answer are None or NaN without a
        model, and scores are NaN without a positive class.
    """
    rows = [row for reader in state.readers.values() for row in _rows(study, reader)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _rows(study: Study, reader: ReaderState) -> list[dict[str, object]]:
    return [
        _row(study, reader, case, place)
        for place, case in enumerate(reader.order, start=1)
        if case in set(reader.done(study))
    ]


def _row(study: Study, reader: ReaderState, case: str, place: int) -> dict[str, object]:
    known, record = study.case(case), reader.record(case)
    locked, model, revised = record.locked, record.model, record.revised
    if locked is None:
        raise ValueError(f"The case {case} is done without an answer.")
    positive = study.positive
    first = positive_score(locked.finding, locked.confidence, positive) if positive else math.nan
    second = positive_score(revised.finding, revised.confidence, positive) if positive and revised else math.nan
    return {
        "reader": reader.name,
        "order": place,
        "case": case,
        "group": known.group,
        "truth": known.truth,
        "mask": known.mask,
        "finding": locked.finding,
        "confidence": locked.confidence,
        "box": locked.box,
        "seconds": locked.seconds,
        "times_shown": sum(shown.time <= locked.time for shown in record.shown),
        "model_finding": model.label if model else None,
        "model_probability": _probability(model, positive),
        "model_outcome": model.outcome if model else None,
        "second_finding": revised.finding if revised else None,
        "second_confidence": revised.confidence if revised else math.nan,
        "second_seconds": revised.seconds if revised else math.nan,
        f"score {READER}": first,
        f"score {MODEL}": _probability(model, positive),
        f"score {BOTH}": second,
    }


def _probability(model: ModelShown | None, positive: str | None) -> float:
    return model.probabilities[positive] if model and positive else math.nan

"""The answers of a study as CSV, and its log as it is. Neither holds a file name."""

from __future__ import annotations

from typing import Literal

import pandas as pd

from brainseg.diagnosis.table import text_cell
from brainseg.reading.ending import log_export
from brainseg.reading.events import Where
from brainseg.reading.library import study_log
from brainseg.reading.replay import replay
from brainseg.reading.study import Study
from brainseg.reading.table import answer_table
from brainseg.results.csv_text import csv_bytes

EDGES = ("left", "top", "right", "bottom")


def answers_csv(study: Study, where: Where) -> bytes:
    """Return all answers to cases that are done as CSV, one row per reader and case, and log the export.

    Args:
        study: The study.
        where: Where it was asked for.

    Raises:
        ReadingError: A reader has not finished, nobody has begun, or the study's files cannot be used.
    """
    state = replay(log_export(study, "answers", where))
    return csv_bytes(export_table(study, answer_table(study, state)))


def export_table(study: Study, answers: pd.DataFrame) -> pd.DataFrame:
    """Return the table that is exported: pseudonyms and hashes, and texts that a spreadsheet does not run.

    Args:
        study: The study.
        answers: From `answer_table`.
    """
    columns: dict[str, object] = {"study": study.id, "reader": answers["reader"], "order": answers["order"]}
    columns |= {"case": answers["case"], "group": answers["group"], "truth": answers["truth"]}
    columns |= {"answer": answers["finding"], "confidence": answers["confidence"], "seconds": answers["seconds"]}
    for place, edge in enumerate(EDGES):
        columns[f"box_{edge}"] = [box[place] if isinstance(box, tuple) else None for box in answers["box"]]
    columns |= {
        "times_shown": answers["times_shown"],
        "model_answer": answers["model_finding"],
        "model_probability_of_positive": answers["model_probability"],
        "model_outcome": answers["model_outcome"],
        "second_answer": answers["second_finding"],
        "second_confidence": answers["second_confidence"],
        "second_seconds": answers["second_seconds"],
        "positive_class": study.positive,
        "teaching": study.teaching,
    }
    table = pd.DataFrame(columns, index=answers.index)
    for name in ("truth", "answer", "model_answer", "model_outcome", "second_answer", "positive_class"):
        table[name] = [text_cell(value) if isinstance(value, str) else "" for value in table[name]]
    return table


def log_bytes(study: Study, where: Where) -> bytes:
    """Return the log as JSON lines, and log the export: its last line says so.

    Args:
        study: The study.
        where: Where it was asked for.

    Raises:
        ReadingError: As for `answers_csv`.
    """
    log_export(study, "log", where)
    return study_log(study).file.read_bytes()


def export_name(study: Study, what: Literal["answers", "log"]) -> str:
    """Return the file name of an export, which names the study by its id alone."""
    return f"reader-study-{study.id[:8]}-{what}.{'csv' if what == 'answers' else 'jsonl'}"

"""Messages about a dataset's patients, the same in every report, page and model card."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from typing_extensions import TypedDict

UNKNOWN = "patients unknown: slices of one patient may be on both sides"
"""The warning in every report on images of unknown patients."""

SOURCES = {"column": "from a column", "folder": "from folder names", "file name": "from file names"}


class PatientsKnown(TypedDict):
    """What is known of a dataset's patients.

    Attributes:
        source: Where they are known from: "column", "folder", "file name" or "none".
        count: Number of patients.
    """

    source: str
    count: int


def patients_sentence(patients: PatientsKnown) -> str:
    """Return how many patients a dataset has and where they are known from, without a full stop.

    Args:
        patients: `source` and `count`, as in a dataset's report and an evaluation.
    """
    if not patients["count"]:
        return UNKNOWN
    noun = "patient" if patients["count"] == 1 else "patients"
    return f"{patients['count']} {noun}, {SOURCES.get(str(patients['source']), 'named in the dataset')}"


def unknown_patients(facts: Mapping[str, Any]) -> str:
    """Return `UNKNOWN` if an evaluation was made without knowing the patients, else "".

    Args:
        facts: An evaluation, or the field `validation` of a bundle. Those of earlier versions do not record whether
            patients were known; for them, the result is "".
    """
    known = facts.get("patients_known")
    return UNKNOWN if known and not known["count"] else ""


def as_sentence(words: str) -> str:
    """Capitalise the first letter and add a full stop."""
    return f"{words[:1].upper()}{words[1:]}."

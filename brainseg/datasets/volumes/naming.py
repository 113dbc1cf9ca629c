"""Names of studies and patients in a dataset: numbers by default, because names of files may be names of people."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from brainseg.datasets.listing import natural_order
from brainseg.datasets.volumes.study import Study


@dataclass(frozen=True)
class Named:
    """What a study and its patient are called in the dataset; both are safe as parts of file names."""

    study: str
    patient: str


def named_studies(studies: Sequence[Study], keep_names: bool) -> list[Named]:
    """Return the names of studies, in their order.

    Args:
        studies: The studies.
        keep_names: Whether they keep the names that their files have, as for public datasets. DICOM's keys are hashed
            in any case.

    Examples:
        >>> found = [Study("Doe_2", "Doe"), Study("Doe_10", "Doe"), Study("Roe", "Roe")]
        >>> [each.study for each in named_studies(found, keep_names=False)]
        ['patient-0001_study-1', 'patient-0001_study-2', 'patient-0002_study-1']
    """
    if keep_names:
        taken: dict[str, int] = {}
        return [Named(_unused(_safe(study.name), taken), study.patient) for study in studies]
    patients = natural_order({study.patient for study in studies})
    numbers = {patient: f"patient-{number:04d}" for number, patient in enumerate(patients, start=1)}
    count: dict[str, int] = {}
    found = []
    for study in studies:
        patient = numbers[study.patient]
        count[patient] = count.get(patient, 0) + 1
        found.append(Named(f"{patient}_study-{count[patient]}", patient))
    return found


def _safe(name: str) -> str:
    return re.sub(r"[^\w.-]+", "-", name).strip(".-_")[:100] or "study"


def _unused(name: str, taken: dict[str, int]) -> str:
    taken[name] = taken.get(name, 0) + 1
    return name if taken[name] == 1 else f"{name}-{taken[name]}"

"""What all DICOM files that brainseg writes have in common: their texts, their codes, and what they leave out."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from brainseg.scans.volumes.segment_codes import Concept

if TYPE_CHECKING:
    from pydicom.dataset import Dataset
    from pydicom.sr.coding import Code

_REMOVED = "brainseg: no attributes of the patient; UIDs kept"
_LONGEST = 64
"""Characters of a DICOM text of the kind LO."""


def code_of(concept: Concept) -> Code:
    """Return a concept as pydicom and highdicom take it."""
    from pydicom.sr.coding import Code

    return Code(concept.value, concept.scheme, concept.meaning)


def short_text(words: str) -> str:
    r"""Return words as a DICOM text of the kind LO: without backslashes and control characters, and not too long.

    >>> short_text("T1\\T2\n" + "x" * 100) == "T1/T2 " + "x" * 58
    True
    """
    plain = "".join(letter if letter.isprintable() else " " for letter in words.replace("\\", "/"))
    return plain.strip()[:_LONGEST].strip()


def finish(built: Dataset, moment: datetime) -> None:
    """Set when an object was made, and say what it leaves out.

    Args:
        built: From highdicom, which takes the present moment.
        moment: When its content was made.
    """
    from pydicom.valuerep import DA, DT, TM

    built.InstanceCreationDate = built.ContentDate = DA(moment.date())
    built.InstanceCreationTime = built.ContentTime = TM(moment.time())
    for item in built.get("ContributingEquipmentSequence", ()):
        item.ContributionDateTime = DT(moment)
    built.SpecificCharacterSet = "ISO_IR 192"  # names of classes and models may have any letters
    built.PatientIdentityRemoved, built.DeidentificationMethod = "YES", _REMOVED
    built.LongitudinalTemporalInformationModified = "REMOVED"

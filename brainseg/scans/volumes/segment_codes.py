"""Find the standard codes for what a class of a mask is, from its name."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Concept:
    """An entry of a coding scheme.

    Attributes:
        value: Its code.
        scheme: Name of the scheme in DICOM, such as "SCT" for SNOMED CT.
        meaning: What it means, in the words of the scheme.
    """

    value: str
    scheme: str
    meaning: str


BRAIN = Concept("12738006", "SCT", "Brain")
ABNORMAL = Concept("49755003", "SCT", "Morphologically Abnormal Structure")
TISSUE = Concept("85756007", "SCT", "Tissue")
LESION = Concept("52988006", "SCT", "Lesion")

_TUMOUR = r"tumou?r|neoplasm|cancer|glioma|blastoma|astrocytoma|meningioma|adenoma|schwannoma|pituitary|metasta"
_TYPES = (
    (r"non[-_ ]?enhancing", Concept("C81175", "NCIt", "Non-Enhancing Lesion")),
    (r"enhancing", Concept("C113842", "NCIt", "Enhancing Lesion")),
    (r"o?edema", Concept("79654002", "SCT", "Edema")),
    (r"necro", Concept("6574001", "SCT", "Necrosis")),
    (r"\bcyst", Concept("367643001", "SCT", "Cyst")),
    (_TUMOUR, Concept("108369006", "SCT", "Neoplasm")),
    (r"lesion|abnormal", LESION),
)
"""Part of a name -> its type, of DICOM's context group 7151; the first that fits counts."""


def concepts_of(name: str) -> tuple[Concept, Concept]:
    """Return the category and the type of a class, in the terms of DICOM's context groups 7150 and 7151.

    A name that says nothing is tissue of no stated kind: its own words are in the label of the segment.

    Examples:
        >>> [each.meaning for each in concepts_of("tumour")]
        ['Morphologically Abnormal Structure', 'Neoplasm']
        >>> [each.meaning for each in concepts_of("peritumoral oedema")]
        ['Morphologically Abnormal Structure', 'Edema']
        >>> [each.meaning for each in concepts_of("ventricle")]
        ['Tissue', 'Tissue']
    """
    found = next((concept for part, concept in _TYPES if re.search(part, name.lower())), None)
    return (ABNORMAL, found) if found else (TISSUE, TISSUE)

"""Find a volume's sequence (T1, T1ce, T2 or FLAIR) from texts about it."""

from __future__ import annotations

import re

SEQUENCES = ("T1", "T1ce", "T2", "FLAIR")

_FLAIR = re.compile(r"flair|(?<![a-z])(fla|tirm|da[-_ ]?fl)(?![a-z])")
_T1CE = re.compile(
    r"t1[-_ ]?(w[-_ ]?)?(ce|c|gd|gad|post|km|contrast)(?![a-z])|(?<![a-z])t1.*(\+c|post|gado|contrast)"
    r"|(?<![a-z])ce-\S+ .*t1"
)
_T2 = re.compile(r"(?<![a-z])t2(?!\s*\*)(w|f)?(?![a-z0-9*])")
_T1 = re.compile(r"(?<![a-z])t1(w|n)?(?![a-z0-9])|mprage|bravo|(?<![a-z])(spgr|ir[-_ ]?fspgr)(?![a-z])")
_NOT = re.compile(r"dwi|dti|diff|(?<![a-z])(adc|swi|bold|fmri|epi|ep2d|field|fieldmap|asl|perf|tof|mra|scout|locali)")
# BraTS 2023 names its files by these endings; "t1n" and "t2w" are found by the rules above.
_ENDINGS = {"t2f": "FLAIR", "t1c": "T1ce", "t1gd": "T1ce"}


def sequence_of(*texts: str | None, contrast: bool = False) -> str | None:
    """Return the sequence that the first telling text names; None if none does.

    Args:
        texts: Descriptions and names, the most reliable first.
        contrast: Whether a header says that contrast agent was given, which turns T1 into T1ce.

    Examples:
        >>> sequence_of("t1_mprage_sag")
        'T1'
        >>> sequence_of(None, "BraTS-GLI-00001-000-t2f")
        'FLAIR'
        >>> sequence_of("ep2d_diff_T2")
    """
    for text in texts:
        found = _named(text or "")
        if found:
            return "T1ce" if found == "T1" and contrast else found
    return None


def _named(text: str) -> str | None:
    lower = text.lower()
    if _NOT.search(lower):
        return None
    for ending, sequence in _ENDINGS.items():
        if re.search(rf"(?<![a-z0-9]){ending}(?![a-z0-9])", lower):
            return sequence
    rules = {"FLAIR": _FLAIR, "T1ce": _T1CE, "T2": _T2, "T1": _T1}
    return next((sequence for sequence, rule in rules.items() if rule.search(lower.replace("_", " "))), None)

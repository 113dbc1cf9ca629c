"""The cases of masks in words."""

from __future__ import annotations

from brainseg.evaluation.stored import Cases, MaskCases


def case_sentences(found: MaskCases, unit: str) -> list[str]:
    """Return the cases in words.

    Args:
        found: The cases of an evaluation.
        unit: What its `patients` are: "patient", or "slice" if no patient is known.
    """
    by_patient = [_sentence("patients", found["patients"])] if unit == "patient" else []
    return [
        _sentence("slices", found["slices"]),
        *by_patient,
        f"Lesions (regions of a slice whose pixels touch by a side or corner): the mask touches "
        f"{found['lesions_found']} of {found['lesions']}; {found['regions_false']} of {found['regions']} marked "
        "regions lie outside every lesion.",
    ]


def _sentence(units: str, cases: Cases) -> str:
    total = cases["both_empty"] + cases["missed"] + cases["false_alarm"] + cases["overlap"] + cases["apart"]
    return (
        f"Of {total} {units}: {cases['overlap']} where mask and tumour overlap, {cases['apart']} where "
        f"they lie apart, {cases['missed']} with a missed tumour, {cases['false_alarm']} with a false alarm, and "
        f"{cases['both_empty']} without tumour or mask."
    )

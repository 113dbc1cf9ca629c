"""Read a file name of a study: which sequence or mask it is, and the name of the study and its patient without that."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from brainseg.scans.volumes.sequence import sequence_of

_ENDING = re.compile(r"\.(nii|nii\.gz|hdr|img|nrrd|nhdr|mha|mhd|gz)$", re.IGNORECASE)
_SIGNS = re.compile(r"[-_. ]+")
_MASK_WORDS = {
    "seg", "segmentation", "mask", "masks", "label", "labels", "lesion", "tumor", "tumour", "roi", "gt", "groundtruth",
    "annotation", "ot",
}  # fmt: skip
"""Words for a mask; "ot" is BraTS's until 2015."""
_IMAGE_WORDS = {"image", "img", "scan", "volume", "vol"}
_MASK_FOLDERS = re.compile(r"(masks?|labels?|labels(tr|ts|val)|seg|segs|segmentations?|annotations?|ground_?truth)")
_IMAGE_FOLDERS = re.compile(r"(images?|imgs?|scans?|volumes?|anat|raw)")
_FEW_WORDS = 2
"""Words in the name of a folder that stands for a sequence; a longer name is more likely a study's."""
_BIDS = re.compile(r"sub-[A-Za-z0-9]+(_ses-[A-Za-z0-9]+)?(?=_|$)")
_TIME_POINT = re.compile(r"[-_. ]*((ses|session|visit|tp|timepoint)[-_]?\w+|baseline|follow[-_]?up\d*)$", re.IGNORECASE)
_BRATS_TIME = re.compile(r"(BraTS-[A-Za-z]+-\d+)-\d{3}|(Brats1[78]_.+)_\d+")
BRATS = re.compile(r"brats|vsd\.brain", re.IGNORECASE)
"""How studies of the BraTS challenges are named."""


@dataclass(frozen=True)
class StudyName:
    """What a file name says.

    Attributes:
        study: The name without the words for the sequence or the mask; the same for all files of a study.
        sequence: "T1", "T1ce", "T2" or "FLAIR"; None if the name does not say.
        is_mask: Whether the name, or that of the folder, says that it is a mask.
    """

    study: str
    sequence: str | None
    is_mask: bool


def stem_of(file: str | Path) -> str:
    """Return a file's name without the ending of a volume's format."""
    return _ENDING.sub("", Path(file).name)


def is_sorting_folder(name: str) -> bool:
    """Return whether a folder only sorts the files of studies: by sequence, or into images and masks."""
    lower = name.casefold()
    if _MASK_FOLDERS.fullmatch(lower) or _IMAGE_FOLDERS.fullmatch(lower) or lower.startswith("vsd."):
        return True
    return len(_SIGNS.split(name)) <= _FEW_WORDS and sequence_of(name) is not None


def read_name(name: str, folder: str = "") -> StudyName:
    """Read a file name.

    Args:
        name: The file's name.
        folder: The name of the folder around it: "labelsTr" says that all files in it are masks.

    Examples:
        >>> read_name("BraTS-GLI-00005-001-t1c.nii.gz")
        StudyName(study='BraTS-GLI-00005-001', sequence='T1ce', is_mask=False)
        >>> read_name("BraTS20_Training_001_seg.nii")
        StudyName(study='BraTS20_Training_001', sequence=None, is_mask=True)
        >>> read_name("case_7_t1_ce.nii.gz").sequence
        'T1ce'
    """
    stem = stem_of(name)
    words = _SIGNS.split(stem)
    if words and words[0].casefold() == "vsd":  # VSD.Brain.XX.O.MR_T1.54513.mha: each file has its own last number
        return StudyName("", _sequence(words)[0], "ot" in map(str.casefold, words))
    if match := _BIDS.match(stem):
        is_mask = bool(_MASK_WORDS & {word.casefold() for word in words})
        return StudyName(match.group(), None if is_mask else sequence_of(stem[match.end() :]), is_mask)
    is_mask = bool(_MASK_WORDS & {word.casefold() for word in words}) or bool(
        _MASK_FOLDERS.fullmatch(folder.casefold())
    )
    sequence, told = _sequence(words)
    left_out = {place for first, end in told for place in range(first, end)}
    left_out |= {place for place, word in enumerate(words) if word.casefold() in _MASK_WORDS | _IMAGE_WORDS}
    return StudyName(_without(stem, left_out), None if is_mask else sequence, is_mask)


def _sequence(words: list[str]) -> tuple[str | None, list[tuple[int, int]]]:
    """Return the sequence that words name, and which words name it, as (first, end)."""
    for place, word in enumerate(words):
        if named := sequence_of(word):
            pair = sequence_of("_".join(words[place : place + 2]))  # "t1_ce" and "t2_flair" name one sequence
            if pair and pair != named:
                return pair, [(place, place + 2)]
            return named, [(place, place + 1)]
    return None, []


def _without(stem: str, gone: set[int]) -> str:
    """Return a stem without some of its words, with its own signs between the others."""
    parts = re.split(f"({_SIGNS.pattern})", stem)  # word, sign, word, …
    kept = [place for place in range((len(parts) + 1) // 2) if place not in gone]
    return "".join((parts[2 * place - 1] if place else "") + parts[2 * place] for place in kept).strip("-_. ")


def patient_of(study: str) -> str:
    """Return a patient's name from that of a study, without a number or word for the time point.

    Examples:
        >>> patient_of("BraTS-GLI-00005-001"), patient_of("sub-07_ses-2"), patient_of("BraTS2021_00005")
        ('BraTS-GLI-00005', 'sub-07', 'BraTS2021_00005')
    """
    if match := _BRATS_TIME.fullmatch(study):
        return str(match.group(1) or match.group(2))
    return _TIME_POINT.sub("", study) or study

"""Find the part of a folder's or file's name that can be a patient's id, by removing words that are never patients."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Literal

Strength = Literal[0, 1, 2, 3, 4]
"""How much a name looks like a patient: 0 not at all, 1 a scan or a series, 2 a word, 3 it contains a number, 4 it has
"patient" or a similar word before its number."""

MODALITIES = {
    *("t1", "t1w", "t1ce", "t1c", "t1gd", "t1n", "t1post", "t1pre", "t2", "t2w", "t2f", "t2star", "flair", "t1flair"),
    *("t2flair", "pd", "pdw", "dwi", "adc", "swi", "gre", "dti", "asl", "fmri", "stir", "mprage", "spgr", "tof", "mra"),
    *("b0", "b1000", "mri", "mr", "ct", "pet"),
}
PLANES = {
    *("axial", "ax", "axi", "sagittal", "sag", "coronal", "cor", "transverse", "transversal", "tra", "oblique"),
    *("plane", "planes", "view", "views", "orientation"),
}
SIDES = {"left", "right", "lh", "rh", "hemisphere", "bilateral", "side", "l", "r"}
SPLITS = {
    *("train", "training", "traindata", "trainset", "valid", "validation", "val", "test", "testing", "testdata"),
    *("testset", "dev", "holdout", "eval", "evaluation", "fold", "folds", "split", "splits", "kfold", "cv", "internal"),
    "external",
}
GENERIC = {
    *("image", "images", "img", "imgs", "im", "imagestr", "imagests", "pic", "pics", "picture", "pictures", "photo"),
    *("photos", "slice", "slices", "frame", "frames", "png", "jpg", "jpeg", "tif", "tiff", "bmp", "gif", "dicom"),
    *("dcm", "data", "dataset", "datasets", "database", "set", "sets", "file", "files", "folder", "dir", "raw"),
    *("original", "originals", "orig", "processed", "preprocessed", "cropped", "crop", "resized", "augmented", "aug"),
    *("augmentation", "augmentations", "flip", "flipped", "rotated", "normalized", "normalised", "clean", "cleaned"),
    *("new", "old", "input", "inputs", "output", "outputs", "export", "batch", "batches", "part", "parts", "misc"),
    *("other", "others", "unknown", "rest", "all", "final", "version", "copy", "backup", "brain", "head", "gray"),
    *("grey", "rgb", "color", "colour", "source", "sources", "anat", "func", "perf", "mask", "masks", "label"),
    *("labels", "seg", "segmentation", "segmentations", "annotation", "annotations", "gt", "z", "idx", "index", "no"),
    *("kaggle", "figshare", "br35h", "sartaj", "jun"),
}
KINDS = {
    *("hgg", "lgg", "gbm", "grade", "who", "stage", "level", "type", "class", "category", "kind", "low", "high"),
    *("ii", "iii", "iv", "tumor", "tumors", "tumour", "tumours", "cancer", "lesion", "lesions", "glioma", "gliomas"),
    *("glioblastoma", "meningioma", "pituitary", "adenoma", "astrocytoma", "oligodendroglioma", "ependymoma"),
    *("metastasis", "metastases", "notumor", "notumour", "normal", "healthy", "abnormal", "control", "controls"),
    *("benign", "malignant", "positive", "negative", "pos", "neg", "yes", "male", "female", "adult", "child"),
}
PLACES = {
    *("site", "center", "centre", "hospital", "clinic", "scanner", "cohort", "session", "sessions", "ses", "visit"),
    *("timepoint", "time", "baseline", "followup", "week", "month", "day", "year"),
}
NEUTRAL = MODALITIES | PLANES | SIDES | SPLITS | GENERIC | KINDS | PLACES
MODIFIERS = {"weighted", "w", "ce", "c", "gd", "post", "pre", "contrast", "enhanced", "with", "without", "plus", "and"}
"""Words that belong to the name of a sequence if they are beside one: "T1 post contrast"."""

COUNTED = {
    *(
        "slice",
        "slices",
        "image",
        "img",
        "im",
        "frame",
        "z",
        "idx",
        "index",
        "picture",
        "pic",
        "photo",
        "fold",
        "split",
    ),
    *("batch", "part", "set", "dataset", "version", "grade", "stage", "level", "type", "class", "category"),
    *(
        "session",
        "ses",
        "visit",
        "timepoint",
        "time",
        "week",
        "month",
        "day",
        "year",
        "site",
        "center",
        "centre",
        "hospital",
    ),
    *("scanner", "cohort", "file", "aug", "augmented", "copy", "folder", "source", "cv", "data"),
}
"""Neutral words whose number counts something other than patients: "fold 2", "slice_012"."""

SCANS = {"scan", "scans", "series", "study", "exam", "volume", "vol", "acquisition", "stack", "group"}
PEOPLE = {
    *("p", "pt", "pat", "patient", "patients", "sub", "subj", "subject", "case", "id", "person", "participant", "tcga"),
    *("brats", "upenn", "ucsf", "ixi", "oas", "patientid", "subjectid", "caseid", "pid", "sid", "cid"),
}
_PERSON = re.compile(rf"(?<![A-Za-z0-9])(?:{'|'.join(sorted(PEOPLE, key=len, reverse=True))})[ _.-]*\d", re.IGNORECASE)
_BRATS = re.compile(r"(?:TCGA[-_]|BraTS[-_A-Z]*\d)", re.IGNORECASE)
_TOKEN = re.compile(r"[^\W_]+")
_SLICE = re.compile(r"(.*\S)(?:[ _.-]+(?:slice|img|image|frame|z|s|sl)?[ _.-]*\d+|[ _.-]*\(\d+\))", re.IGNORECASE)


def patient_part(name: str, classes: Collection[str] = ()) -> str:
    """Return a name without words for a sequence, plane, side, split, class and the like; "" if nothing is left.

    Args:
        name: Name of a folder, or of a file without extension.
        classes: Names of the dataset's classes, which are not patients either.
    """
    words = class_words(classes)
    tokens = list(_TOKEN.finditer(name))
    neutral = [_is_neutral(match[0].lower(), words) for match in tokens]
    if any(neutral):
        neutral = [known or match[0].lower() in MODIFIERS for known, match in zip(neutral, tokens, strict=True)]
    kept, earlier = "", ""
    for match, dropped in zip(tokens, neutral, strict=True):
        word = match[0].lower()
        counts = (word.isdigit() or len(word) == 1) and earlier in COUNTED
        if not dropped and not counts:
            kept += (name[before(name, match.start()) : match.start()] if kept else "") + match[0]
        earlier = word
    return kept


def folder_part(name: str, classes: Collection[str] = ()) -> str:
    """Return the same as `patient_part`, but "" for a numbered sequence, plane, side or split such as T1_2."""
    part = patient_part(name, classes)
    *before, last = _TOKEN.findall(name.lower()) or [""]
    known = MODALITIES | PLANES | SIDES | SPLITS | MODIFIERS
    numbered = bool(before) and last == part and part.isdigit() and all(word in known for word in before)
    return "" if numbered else part


def before(name: str, start: int) -> int:
    """Return the position where the signs before a word begin."""
    while start and not name[start - 1].isalnum():
        start -= 1
    return start


def class_words(classes: Collection[str]) -> set[str]:
    """Return the words in class names, without numbers, because a number may be both a class and a patient."""
    found = {token.lower() for name in classes for token in _TOKEN.findall(name)}
    return {word for word in found if len(word) > 1 and not word.isdigit() and word not in PEOPLE}


def _is_neutral(word: str, words: set[str]) -> bool:
    if word in NEUTRAL or word in words or re.fullmatch(r"\d+x\d+", word):
        return True
    if len(word) > 1 and word[:-1] in PLACES:  # siteA
        return True
    stem = word.rstrip("0123456789")  # fold1, batch3
    return stem != word and len(stem) > 1 and (stem in COUNTED or stem in SPLITS or stem in KINDS or stem in words)


def is_sequence(name: str) -> bool:
    """Return whether a folder's name contains only a sequence, a plane or a side: `T1`, `T2 axial`."""
    words = [match[0].lower() for match in _TOKEN.finditer(name)]
    known = MODALITIES | PLANES | SIDES
    return bool(known.intersection(words)) and all(word in known | MODIFIERS for word in words)


def strength(part: str) -> Strength:
    """Return how much a name, as `patient_part` returns it, looks like a patient."""
    if not part:
        return 0
    if _PERSON.match(part) or _BRATS.match(part):
        return 4
    words = {word.lower().rstrip("0123456789") for word in _TOKEN.findall(part)}
    if words & SCANS:
        return 1
    return 3 if any(sign.isdigit() for sign in part) else 2


def patient_before_slice(stem: str, classes: Collection[str] = ()) -> str:
    """Return the patient in the name of a file that is one of several slices, such as P03_slice_012; else "".

    The part before the slice number must also contain a number: `glioma_12` does not name a patient.
    """
    words = class_words(classes)
    tokens = list(_TOKEN.finditer(stem))
    while tokens and _is_neutral(tokens[-1][0].lower(), words):
        tokens.pop()
    rest = stem[: tokens[-1].end()] if tokens else ""
    if tokens and stem[tokens[-1].end() :] == ")":
        rest = stem
    match = _SLICE.fullmatch(rest)
    part = patient_part(match[1] if match else rest, classes)
    if match:
        return part if any(sign.isdigit() for sign in part) else ""
    return part if rest != stem and strength(part) == 4 else ""


def loose(name: str) -> str:
    """Return an id without case, spaces and leading zeros: equal for "P 1", "p1" and "P01"."""
    return re.sub(r"(?<!\d)0+(?=\d)", "", re.sub(r"\s+", "", name).casefold())

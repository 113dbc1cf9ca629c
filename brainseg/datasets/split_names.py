"""Recognise folders named like a side of a split: `train`, `Training`, `val_set`, `test-images`, `dev`, `holdout`."""

from __future__ import annotations

import re

SIDES = {
    **dict.fromkeys(("train", "training", "trn"), "train"),
    **dict.fromkeys(("valid", "validation", "val", "validate", "dev", "development", "eval", "evaluation"), "valid"),
    **dict.fromkeys(("test", "testing", "tst", "holdout"), "test"),
}
_FILLERS = {
    *("set", "data", "dataset", "images", "image", "imgs", "img", "split", "folder", "scans", "slices", "mri", "brain"),
    *("seg", "png", "jpg", "jpeg", "cleaned", "samples", "sample", "hold", "out", "tumor", "tumour", "files", "the"),
    *("my", "new", "final", "subset", "cases"),
}
_GLUED = re.compile(rf"({'|'.join(sorted(SIDES, key=len, reverse=True))})(?:set|data|dataset|images|imgs|split)")
UNLABELLED = {
    *("pred", "preds", "predict", "prediction", "predictions", "unlabelled", "unlabeled", "nolabel", "submission"),
    *("inference",),
}


def _words(name: str) -> list[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.findall(r"[^\W_]+", spaced.lower())


def side_of(name: str) -> str:
    """Return "train", "valid" or "test" if that is all that a folder's name says, else ""."""
    words = _words(name)
    if "hold" in words and "out" in words:
        words.append("holdout")
    found = set()
    for word in words:
        glued = _GLUED.fullmatch(word)
        word = glued[1] if glued else word
        if word in SIDES:
            found.add(SIDES[word])
        elif word not in _FILLERS:
            return ""
    return found.pop() if len(found) == 1 else ""


def is_generic_name(name: str) -> bool:
    """Return whether a folder's name could be that of any dataset, such as `data` or `brain_tumor_dataset`."""
    return all(word in _FILLERS | SIDES.keys() | {"archive", "kaggle", "raw", "all", "s"} for word in _words(name))


def is_fold(name: str) -> bool:
    """Return whether a folder is one of the folds of a cross-validation: `fold1`, `Fold_2`, `split 3`."""
    return bool(re.fullmatch(r"(?:k?fold|split|cv)[ _-]*\d+", name, re.IGNORECASE))


def is_unlabelled_name(name: str) -> bool:
    """Return whether a folder's name means that its images have no class, like Kaggle's `pred` folders."""
    words = _words(name)
    return any(word in UNLABELLED for word in words) and all(word in UNLABELLED | _FILLERS | {"to"} for word in words)

"""The labels of a dataset, most suspicious first: what its copies and its out-of-fold probabilities say about each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import pandas as pd

from brainseg.evaluation.checks import class_codes
from brainseg.evaluation.checks import probabilities as checked_probabilities
from brainseg.evaluation.copy_labels import copy_conflicts
from brainseg.evaluation.label_quality import judge_labels


class LabelReason(StrEnum):
    """Why a label may be wrong, for programs."""

    COPIES = "copies"
    """Copies of the image have another label."""
    MODEL = "model"
    """Models that did not train on the image are confident of another class."""
    NONE = "none"
    """Nothing speaks against it but its place in the order."""


@dataclass(frozen=True, eq=False)
class LabelRanking:
    """The judged labels.

    Attributes:
        table: One row per image, most suspicious first: `path`, `label`, `suggested` ("" if only copies speak against
            the label and do not say which is right), `score` (see `LabelJudgement`; NaN for an image that was not
            judged), `fold` (int64; -1 if unknown), `reason` (a `LabelReason`) and `copies` (paths of those with another
            label).
        thresholds: Class -> its threshold, see `LabelJudgement`.
        conflicts: Number of groups of copies with several labels.
    """

    table: pd.DataFrame
    thresholds: dict[str, float]
    conflicts: int


def rank_labels(table: pd.DataFrame, images: pd.DataFrame, classes: Sequence[str]) -> LabelRanking:
    """Rank the labels of a dataset.

    First come labels that differ from those of the image's copies, then labels that the models are confident against,
    then all others; each part by rising score. Images that were not judged are listed only if their copies disagree.

    Args:
        table: Predictions with `path`, `label` and `p_<class>`, and `fold` if known. Several rows of one image, as
            from a repeated cross-validation, are averaged; the fold is that of the first.
        images: All images of the dataset: `path`, `label`, `sha256` and `twin`.
        classes: All class names, in the models' order.

    Raises:
        ValueError: A column is missing or holds a wrong value.
    """
    class_codes(table, "label", classes)
    first = table.drop_duplicates("path").set_index("path")
    chances = pd.DataFrame(checked_probabilities(table, classes), columns=list(classes), index=table["path"])
    chances = chances.groupby(level=0).mean().reindex(first.index)
    labels = class_codes(first, "label", classes)
    found = judge_labels(labels, chances.to_numpy())
    conflicts = copy_conflicts(images, chances, classes)
    judged = pd.DataFrame(
        {
            "path": first.index,
            "label": first["label"].to_numpy(),
            "suggested": np.array(classes, dtype=object)[found.suggested],
            "score": found.scores,
            "fold": first["fold"].to_numpy(dtype=np.int64) if "fold" in first else np.int64(-1),
            "reason": np.where(found.likely, LabelReason.MODEL.value, LabelReason.NONE.value),
        }
    )
    return LabelRanking(
        table=_ordered(_with_copies(judged, conflicts)),
        thresholds=dict(zip(classes, map(float, found.thresholds), strict=True)),
        conflicts=int(conflicts["number"].nunique()),
    )


def _with_copies(judged: pd.DataFrame, conflicts: pd.DataFrame) -> pd.DataFrame:
    """Add what copies say, and the images that only copies speak against."""
    against = conflicts[conflicts["label"] != conflicts["consensus"]].set_index("path")
    suspect = judged["path"].isin(against.index)
    wanted = judged["path"].map(against["consensus"])
    judged = judged.assign(
        reason=judged["reason"].mask(suspect, LabelReason.COPIES.value),
        suggested=judged["suggested"].mask(suspect, wanted),
        copies=judged["path"].map(dict(zip(conflicts["path"], conflicts["copies"], strict=True))),
    )
    others = against[~against.index.isin(judged["path"])].reset_index()
    added = others.rename(columns={"consensus": "suggested"}).assign(
        score=np.nan, fold=np.int64(-1), reason=LabelReason.COPIES.value
    )
    whole = pd.concat([judged, added[judged.columns]], ignore_index=True) if len(added) else judged
    known = [copies if isinstance(copies, tuple) else () for copies in whole["copies"]]
    return whole.assign(copies=pd.Series(known, index=whole.index, dtype=object))


def _ordered(table: pd.DataFrame) -> pd.DataFrame:
    tiers = {LabelReason.COPIES.value: 0, LabelReason.MODEL.value: 1, LabelReason.NONE.value: 2}
    ordered = table.assign(tier=table["reason"].map(tiers)).sort_values(["tier", "score", "path"], kind="stable")
    return ordered.drop(columns="tier").reset_index(drop=True)

"""Copies of one image with different labels: at least one of these labels is wrong, whatever a model says."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from brainseg.datasets.leak_groups import leak_groups

COLUMNS = ["path", "label", "copies", "consensus", "number"]


def copy_conflicts(images: pd.DataFrame, probabilities: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Return the images whose copies, exact or near, have another label.

    Args:
        images: Columns `path`, `label`, `sha256` and `twin` ("" for an image without near copies).
        probabilities: Mean probability of each class (columns, in the order of `classes`) of the judged images, by
            path; it may lack images.
        classes: All class names.

    Returns:
        One row per image, by group of copies and path: `path`, `label`, `copies` (paths of its copies with another
        label), `number` (of the group) and `consensus`: the label of most copies of the image, itself included; in a
        tie, that of the tied labels with the highest mean probability over the group; "" if none of the group was
        judged, so nothing says which label is wrong.

    Examples:
        >>> images = pd.DataFrame(
        ...     {
        ...         "path": ["a", "b", "c", "d"],
        ...         "label": ["no", "yes", "no", "no"],
        ...         "sha256": ["1", "2", "3", "4"],
        ...         "twin": ["near 1", "near 1", "near 1", ""],
        ...     }
        ... )
        >>> found = copy_conflicts(images, pd.DataFrame(columns=["no", "yes"]), ["no", "yes"])
        >>> found[["path", "label", "consensus"]].to_numpy().tolist()
        [['a', 'no', 'no'], ['b', 'yes', 'no'], ['c', 'no', 'no']]
        >>> found["copies"].tolist()
        [('b',), ('a', 'c'), ('b',)]
    """
    rows: list[dict[str, object]] = []
    numbers = leak_groups(images.assign(group=""))  # patients may well have images of several classes
    numbered = images.assign(number=numbers).sort_values(["number", "path"], kind="stable")
    several = numbered.groupby("number")["label"].transform("nunique") > 1
    for number, group in numbered[several].groupby("number", sort=False):
        consensus = _consensus(group, probabilities, classes)
        for path, label in zip(group["path"], group["label"], strict=True):
            copies = tuple(group.loc[group["label"] != label, "path"])
            rows.append(dict(zip(COLUMNS, (path, label, copies, consensus, number), strict=True)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _consensus(group: pd.DataFrame, probabilities: pd.DataFrame, classes: Sequence[str]) -> str:
    counts = group["label"].value_counts()
    tied = [name for name in classes if counts.get(name, 0) == counts.max()]
    if len(tied) == 1:
        return tied[0]
    judged = probabilities[probabilities.index.isin(group["path"])]
    if judged.empty:
        return ""
    means = judged[tied].to_numpy(dtype=np.float64).mean(axis=0)
    return tied[int(means.argmax())]

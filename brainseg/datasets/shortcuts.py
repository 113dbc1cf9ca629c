"""Shortcuts: whether properties of the files that are unrelated to tumours predict the class of an image.

If classes come from different sources, their images differ in size, mode, format, brightness or border, and a model
may learn that instead. A small decision tree gets each property alone, and all of them together. Its accuracy on unseen
groups, by cross-validation, shows how much a model could gain from them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from brainseg.datasets.findings import Finding
from brainseg.datasets.leak_groups import leak_groups
from brainseg.datasets.patient_names import loose
from brainseg.datasets.split_names import side_of

FOLDS = 5
LEAST_GROUPS = 20
"""Least number of independent images or patients per class; with fewer, a tree would find patterns by chance."""
NEEDED = 0.75
"""Least balanced accuracy for a warning, halfway between chance and perfection. Healthy heads and heads with tumours
also differ in brightness and border, but less: with all properties together, TCGA-LGG gives 0.57, the phantom 0.49 and
Kaggle-253, whose images come from many places, 0.73. In the set of 7,023 images, where the healthy ones come from a
separate source, the colour mode gives 0.80; with tumours of one set and healthy heads of the other, image size gives
0.98."""

MOST_FOLDERS = 50
"""Most distinct folders that count as sources; more are probably patients."""

FACTS = {
    "image size": ["width", "height"],
    "the colour mode": ["mode"],
    "the file format": ["source_format"],
    "mean brightness": ["brightness"],
    "the width of the border": ["border"],
}
TOGETHER = "size, mode, format, brightness and border together"


@dataclass(frozen=True)
class Shortcut:
    """How well a property separates one class from all others: balanced accuracy, 0.5 by chance."""

    fact: str
    label: str
    score: float


def shortcut_findings(table: pd.DataFrame) -> list[Finding]:
    """Return one finding for each property that predicts a class, or one for all together if none does alone.

    Args:
        table: The columns of `Dataset.table` with `twin` filled in, and `brightness` and `border`.
    """
    clear = [shortcut for shortcut in shortcuts(table) if shortcut.score >= NEEDED]
    alone = [shortcut for shortcut in clear if shortcut.fact != TOGETHER]
    several = table["label"].nunique() > 2
    return [Finding("shortcut", _sentence(shortcut, several)) for shortcut in alone or clear]


def shortcuts(table: pd.DataFrame) -> list[Shortcut]:
    """Return for each property, and for all together, the class that it separates best in unseen groups.

    The result is empty for a dataset that is too small or has one class. Properties that all images share are left out.

    Args:
        table: As for `shortcut_findings`.
    """
    from sklearn.model_selection import StratifiedGroupKFold  # imported here: it takes a second

    if not len(table) or table["label"].nunique() < 2:
        return []
    groups = leak_groups(table)
    if pd.Series(groups).groupby(table["label"].to_numpy()).nunique().min() < LEAST_GROUPS:
        return []
    columns = {name: _numbers(table[names]) for name, names in FACTS.items()}
    columns = {name: values for name, values in columns.items() if (values != values[0]).any()}
    if len(columns) > 1:
        columns[TOGETHER] = np.hstack(list(columns.values()))
    if len(set(folders := _source_folders(table))) in range(2, MOST_FOLDERS + 1):
        columns["the source folder"] = _numbers(pd.DataFrame({"folder": folders}))
    labels = table["label"].to_numpy()
    folds = list(StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0).split(labels, labels, groups))
    names = sorted(set(labels))
    predicted = names[1:] if len(names) == 2 else names  # of two classes, one score is enough
    scored = [
        [Shortcut(fact, name, _score(values, labels == name, folds)) for name in predicted]
        for fact, values in columns.items()
    ]
    return [max(each, key=lambda shortcut: shortcut.score) for each in scored]


def _source_folders(table: pd.DataFrame) -> list[str]:
    """Return for each image the folders around it that are not a class, a side of a split or a patient.

    If the paths do not contain the class names, as with manifests, folders that only repeat the class are left out.
    """
    found, named = [], False
    for path, label, group in zip(table["path"], table["label"], table["group"], strict=True):
        folders = path.split("/")[:-1]
        named = named or label in folders
        others = [name for name in folders if name != label and not side_of(name)]
        found.append("/".join(name for name in others if not (group and loose(group) in loose(name))))
    pairs = len(set(zip(found, table["label"], strict=True)))
    return [""] * len(found) if not named and pairs == len(set(found)) else found


def _numbers(facts: pd.DataFrame) -> np.ndarray:
    """Return properties as numbers; a text column becomes one column of 0 and 1 for each of its values."""
    return pd.get_dummies(facts, dtype=float).to_numpy(dtype=float)


def _score(values: np.ndarray, labels: np.ndarray, folds: list[tuple[np.ndarray, np.ndarray]]) -> float:
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.tree import DecisionTreeClassifier

    predictions = np.empty_like(labels)
    for train, test in folds:
        leaf = max(5, len(train) // 100)
        tree = DecisionTreeClassifier(max_depth=4, min_samples_leaf=leaf, class_weight="balanced", random_state=0)
        predictions[test] = tree.fit(values[train], labels[train]).predict(values[test])
    return float(balanced_accuracy_score(labels, predictions))


def _sentence(shortcut: Shortcut, several: bool) -> str:
    together = shortcut.fact == TOGETHER
    verb = ("separate" if several else "predict") + ("" if together else "s")
    what = f"{verb} {shortcut.label!r} from the other classes" if several else f"{verb} the class"
    return (
        f"{shortcut.fact[0].upper()}{shortcut.fact[1:]}{'' if together else ' alone'} {what} with a balanced accuracy "
        f"of {100 * shortcut.score:.0f} % (50 % by chance): a model can learn that instead of tumours, so check "
        "whether the classes come from different sources."
    )

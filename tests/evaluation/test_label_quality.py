"""Confident learning and the ranking of labels, against a direct calculation from the paper's definitions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainseg.evaluation.copy_labels import copy_conflicts
from brainseg.evaluation.label_quality import judge_labels
from brainseg.evaluation.label_ranking import rank_labels
from tests.evaluation.tables import NAMES


def reference(labels: list[int], chances: list[list[float]]) -> tuple[list[float], list[bool]]:
    """Equation 1 of Northcutt et al. (2021) and the normalised margin, image by image, without numpy."""
    classes = range(len(chances[0]))
    thresholds = {}
    for name in classes:
        own = [row[name] for row, label in zip(chances, labels, strict=True) if label == name]
        thresholds[name] = sum(own) / len(own) if own else 2.0  # nobody reaches it
    scores, likely = [], []
    for row, label in zip(chances, labels, strict=True):
        reached = {chance: name for name, chance in enumerate(row) if chance >= thresholds[name]}
        confident = reached[max(reached)] if reached else label
        likely.append(confident != label and label != row.index(max(row)))
        scores.append((1 + row[label] - max(row[name] for name in classes if name != label)) / 2)
    return scores, likely


@pytest.mark.parametrize("classes", [2, 3, 5])
@pytest.mark.parametrize("seed", range(4))
def test_labels_are_judged_by_the_papers_definitions(classes: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    chances = random.dirichlet(np.full(classes, 0.5), 80)
    labels = np.where(random.random(80) < 0.75, chances.argmax(axis=1), random.integers(0, classes, 80))
    absent = seed == 3 and classes > 2
    if absent:
        labels[labels == classes - 1] = 0
    found = judge_labels(labels, chances)
    scores, likely = reference(labels.tolist(), chances.tolist())
    np.testing.assert_allclose(found.scores, scores, atol=1e-12)
    assert found.likely.tolist() == likely
    assert found.suggested.tolist() == chances.argmax(axis=1).tolist()
    assert any(likely)
    assert not all(likely)
    assert np.isnan(found.thresholds).sum() == absent


def test_planted_errors_come_first_and_constant_probabilities_accuse_nobody() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 300)
    chances = random.dirichlet(np.ones(3), 300) * 0.3 + 0.7 * np.eye(3)[truth]
    labels = truth.copy()
    labels[:20] = (labels[:20] + 1) % 3
    found = judge_labels(labels, chances)
    assert set(np.argsort(found.scores)[:20]) == set(range(20))
    assert found.likely[:20].sum() >= 10
    assert not found.likely[20:].any()
    assert (found.suggested[:20] == truth[:20]).all()
    constant = judge_labels(labels, np.full((300, 3), 1 / 3))
    assert (constant.scores == 0.5).all()
    assert not constant.likely.any()


def dataset(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["path", "label", "sha256", "twin"])


def predictions(rows: dict[str, tuple[str, float]], folds: dict[str, int] | None = None) -> pd.DataFrame:
    """A table of two classes: path -> (label, probability of yes)."""
    table = pd.DataFrame(
        [{"path": path, "label": label, "p_no": 1 - yes, "p_yes": yes} for path, (label, yes) in rows.items()]
    )
    return table.assign(fold=table["path"].map(folds)) if folds else table


IMAGES = dataset(
    ("a", "no", "1", ""),
    ("b", "no", "2", ""),
    ("c", "yes", "3", ""),
    ("d", "yes", "4", ""),
    ("e", "no", "5", ""),
    ("f", "yes", "6", "near 6"),
    ("g", "no", "7", "near 6"),
    ("h", "no", "8", "near 8"),
    ("i", "yes", "8", ""),
    ("j", "no", "9", "near 8"),
)


def test_copies_come_first_then_confident_labels_then_all_others() -> None:
    chances = {"a": 0.1, "b": 0.2, "c": 0.9, "d": 0.8, "e": 0.97, "f": 0.9, "g": 0.8, "h": 0.3, "i": 0.4}
    labels = dict(zip(IMAGES["path"], IMAGES["label"], strict=True))
    table = predictions({path: (labels[path], chance) for path, chance in chances.items()}, dict.fromkeys(chances, 2))
    found = rank_labels(table, IMAGES, ["no", "yes"])
    rows = found.table.set_index("path")
    assert found.table["path"].tolist()[:3] == ["g", "i", "e"]
    assert rows.loc[["g", "i", "e", "a"], "reason"].tolist() == ["copies", "copies", "model", "none"]
    assert rows.loc[["g", "i", "e"], "suggested"].tolist() == ["yes", "no", "yes"]
    assert rows.loc["g", "copies"] == ("f",)
    assert rows.loc["i", "copies"] == ("h", "j")
    assert rows.loc["h", "copies"] == ("i",)
    assert rows.loc["a", "copies"] == ()
    assert (found.conflicts, len(rows), set(rows["fold"])) == (2, 9, {2})
    assert found.thresholds["yes"] == pytest.approx(np.mean([0.9, 0.8, 0.9, 0.4]))
    others = found.table[found.table["reason"] == "none"]
    assert others["score"].is_monotonic_increasing


def test_images_without_a_judgement_are_listed_only_if_copies_disagree() -> None:
    table = predictions({"a": ("no", 0.1), "b": ("no", 0.2), "c": ("yes", 0.9), "d": ("yes", 0.8)})
    rows = rank_labels(table, IMAGES, ["no", "yes"]).table.set_index("path")
    assert set(rows.index) == {"a", "b", "c", "d", "f", "g", "i"}
    assert rows.loc[["f", "g", "i"], "suggested"].tolist() == ["", "", "no"]
    assert rows.loc[["f", "g", "i"], "score"].isna().all()
    assert (rows["fold"] == -1).all()


def test_repeats_are_averaged() -> None:
    first = predictions({"a": ("no", 0.2), "b": ("yes", 0.6), "c": ("yes", 0.9)})
    second = predictions({"a": ("no", 0.4), "b": ("yes", 0.2), "c": ("yes", 0.9)})
    ranked = rank_labels(pd.concat([first, second]), IMAGES.iloc[:0], ["no", "yes"]).table.set_index("path")
    assert ranked.loc[["a", "b", "c"], "score"].tolist() == pytest.approx([0.7, 0.4, 0.9])


def test_patients_are_no_copies() -> None:
    images = dataset(("a", "no", "1", ""), ("b", "yes", "2", "")).assign(group="patient")
    assert copy_conflicts(images, pd.DataFrame(columns=NAMES[:2]), NAMES[:2]).empty


def test_wrong_tables_are_refused() -> None:
    table = predictions({"a": ("no", 0.2), "b": ("maybe", 0.6)})
    with pytest.raises(ValueError, match="'maybe'"):
        rank_labels(table, IMAGES, ["no", "yes"])

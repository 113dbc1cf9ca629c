from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from brainseg.evaluation.comparison import (
    align,
    align_slices,
    differing_slices,
    disagreements,
    evaluation_key,
    with_digests,
)
from tests.evaluation.tables import random_table


def evaluated(seed: int = 0, rows: int = 30) -> tuple[pd.DataFrame, list[str]]:
    table, classes = random_table(np.random.default_rng(seed), 2, rows)
    return table.assign(sha256=[f"{row:064x}" for row in range(rows)]), classes


def other_answers(table: pd.DataFrame, classes: list[str], seed: int) -> pd.DataFrame:
    """Another model on the same images."""
    scores = np.random.default_rng(seed).dirichlet([1, 1], len(table))
    names = np.array(classes, dtype=object)
    return table.assign(
        prediction=names[scores.argmax(axis=1)], **{f"p_{name}": scores[:, code] for code, name in enumerate(classes)}
    )


def test_the_key_knows_images_and_labels_and_nothing_else() -> None:
    table, classes = evaluated()
    key = evaluation_key(table, classes[0])
    moved = table.assign(path="elsewhere/" + table["path"], prediction=classes[1], group="x").sample(
        frac=1, random_state=3
    )
    assert evaluation_key(moved, classes[0]) == key
    relabelled = table.assign(label=[classes[1], *table["label"][1:]])
    if table["label"].iloc[0] == classes[1]:
        relabelled = table.assign(label=[classes[0], *table["label"][1:]])
    others = [
        table.iloc[1:],
        pd.concat([table, table.iloc[:1]]),
        table.assign(sha256=["f" * 64, *table["sha256"][1:]]),
        relabelled,
    ]
    keys = {key, evaluation_key(table, classes[1]), *(evaluation_key(other, classes[0]) for other in others)}
    assert len(keys) == 6


def test_digests_come_from_the_split() -> None:
    table, _ = evaluated()
    split = table[["path", "sha256"]].sample(frac=1, random_state=1)
    found = with_digests(table.drop(columns="sha256"), split)
    assert found["sha256"].tolist() == table["sha256"].tolist()
    with pytest.raises(ValueError, match="do not belong together"):
        with_digests(table.drop(columns="sha256"), split.iloc[1:])
    with pytest.raises(ValueError, match="lacks 'sha256'"):
        with_digests(table, split[["path"]])


def test_models_meet_on_the_same_image_whatever_its_name_and_place() -> None:
    table, classes = evaluated()
    other = other_answers(table, classes, 5).assign(path="copy_" + table["path"]).sample(frac=1, random_state=2)
    aligned = align({"one": table, "two": other}).sort_values("path").reset_index(drop=True)
    back = other.assign(path=other["path"].str.removeprefix("copy_")).sort_values("path").reset_index(drop=True)
    assert aligned["path"].tolist() == sorted(table["path"])
    assert aligned["prediction two"].tolist() == back["prediction"].tolist()
    assert aligned["probability two"].to_numpy() == pytest.approx(back[[f"p_{name}" for name in classes]].max(axis=1))


def test_copies_of_one_file_keep_a_row_each() -> None:
    table, classes = evaluated(rows=6)
    table = table.assign(sha256=["a" * 64] * 4 + ["b" * 64] * 2)
    aligned = align({"one": table, "two": other_answers(table, classes, 1)})
    assert sorted(aligned["path"]) == sorted(table["path"])


def test_other_images_are_refused() -> None:
    table, _ = evaluated()
    with pytest.raises(ValueError, match="'two' was not evaluated on the same images as 'one'"):
        align({"one": table, "two": table.iloc[1:]})
    with pytest.raises(ValueError, match="nothing to align"):
        align({})


def test_disagreements_are_all_images_with_two_answers_and_no_other() -> None:
    table, classes = evaluated(rows=80)
    tables = {"one": table, "two": other_answers(table, classes, 1), "three": other_answers(table, classes, 2)}
    aligned = align(tables)
    found = disagreements(aligned, list(tables))
    by_path = {name: dict(zip(own["path"], own["prediction"], strict=True)) for name, own in tables.items()}
    differing = {path for path in table["path"] if len({answers[path] for answers in by_path.values()}) > 1}
    assert set(found["path"]) == differing
    label = dict(zip(table["path"], table["label"], strict=True))
    for row in found.itertuples():
        assert row.wrong == sum(answers[row.path] != label[row.path] for answers in by_path.values())
    assert found["wrong"].is_monotonic_decreasing
    assert disagreements(align({"one": table, "again": table}), ["one", "again"]).empty


def evaluated_slices(dice: list[float], predicted: list[int]) -> pd.DataFrame:
    rows = len(dice)
    return pd.DataFrame(
        {
            "path": [f"{row}.png" for row in range(rows)],
            "sha256": [f"{row:064x}" for row in range(rows)],
            "label": [f"mask {row}" for row in range(rows)],
            "group": "",
            "true_pixels": [9, 9, 0, 0],
            "predicted_pixels": predicted,
            "dice": dice,
        }
    )


def test_slices_are_ranked_by_how_far_their_dice_differs() -> None:
    nan = float("nan")
    one = evaluated_slices([0.9, 0.5, nan, nan], [9, 9, 0, 0])
    two = evaluated_slices([0.7, 0.5, 0.0, nan], [9, 9, 4, 0]).iloc[::-1].reset_index(drop=True)
    aligned = align_slices({"one": one, "two": two}).set_index("path").sort_index().reset_index()
    assert aligned["row one"].tolist() == [0, 1, 2, 3]
    assert aligned["row two"].tolist() == [3, 2, 1, 0]
    found = differing_slices(aligned, ["one", "two"])
    assert found["path"].tolist() == ["2.png", "0.png"]
    assert found["difference"].tolist() == pytest.approx([1.0, 0.2])
    with pytest.raises(ValueError, match="'two' was not evaluated on the same images as 'one'"):
        align_slices({"one": one, "two": two.assign(label="another mask")})

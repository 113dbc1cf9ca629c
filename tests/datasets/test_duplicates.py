from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from brainseg.datasets.duplicates import duplicate_groups, summary
from brainseg.errors import DataError
from brainseg.files import sha256_file

COLUMNS = ["path", "label", "split", "sha256"]


def table(*rows: tuple) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=COLUMNS)


SMALL = table(
    ("a1", "yes", "train", "A"),
    ("b1", "no", "train", "B"),
    ("a2", "yes", "test", "A"),
    ("c1", "no", "test", "C"),
    ("b2", "yes", "train", "B"),
    ("b3", "no", "valid", "B"),
    ("b4", "no", "valid", "B"),
)


def test_groups_list_what_the_copies_are():
    assert duplicate_groups(SMALL).to_dict("records") == [
        {
            "sha256": "B",
            "count": 4,
            "labels": ["no", "yes"],
            "splits": ["train", "valid"],
            "paths": ["b1", "b2", "b3", "b4"],
        },
        {"sha256": "A", "count": 2, "labels": ["yes"], "splits": ["test", "train"], "paths": ["a1", "a2"]},
    ]


def test_summary_counts_files_for_each_ordered_pair_of_splits():
    result = summary(SMALL)
    assert (result["groups"], result["surplus"], result["across_labels"]) == (2, 4, 1)
    pairs = {(pair["of"], pair["among"]): pair for pair in result["across_splits"]}
    assert len(pairs) == 6
    assert pairs["test", "train"] == {"of": "test", "among": "train", "files": 1, "total": 2, "labels": {"yes": 1}}
    assert pairs["valid", "train"]["files"] == 2  # both copies count: each is a leaked file
    assert pairs["train", "valid"] == {
        "of": "train",
        "among": "valid",
        "files": 2,
        "total": 3,
        "labels": {"no": 1, "yes": 1},
    }
    assert pairs["test", "valid"]["files"] == 0


def test_summary_can_be_stored_as_json():
    assert json.loads(json.dumps(summary(SMALL))) == summary(SMALL)


def test_order_of_rows_changes_no_count():
    assert summary(SMALL.sample(frac=1, random_state=0)) == summary(SMALL)


def test_the_table_stays_as_it_was():
    before = SMALL.copy(deep=True)
    summary(SMALL)
    pd.testing.assert_frame_equal(SMALL, before)


def test_no_duplicates_and_no_files():
    for frame in (SMALL.drop_duplicates("sha256"), SMALL.iloc[:0]):
        groups = duplicate_groups(frame)
        assert list(groups.columns) == ["sha256", "count", "labels", "splits", "paths"]
        assert len(groups) == 0
        result = summary(frame)
        assert (result["groups"], result["surplus"], result["across_labels"]) == (0, 0, 0)
        assert all(pair["files"] == 0 for pair in result["across_splits"])


def test_files_of_no_split_are_grouped_but_leak_nowhere():
    frame = table(("a1", "yes", None, "A"), ("a2", "yes", "train", "A"), ("a3", "yes", None, "A"))
    assert duplicate_groups(frame)["splits"].tolist() == [["train"]]
    assert summary(frame) == {"groups": 1, "surplus": 2, "across_labels": 0, "across_splits": []}


def test_categorical_columns_work_too():
    assert summary(SMALL.astype({"label": "category", "split": "category", "sha256": "category"})) == summary(SMALL)


def test_what_is_missing_is_named():
    with pytest.raises(DataError, match="needs a column 'sha256'"):
        summary(SMALL.drop(columns="sha256"))
    with pytest.raises(DataError, match="a1 has none"):
        duplicate_groups(table(("a1", "yes", "train", None)))


# ----------------------------------------------------------------------------------------------------------- real data


def hashed(folder: Path, splits: dict[str, str | None]) -> pd.DataFrame:
    """Files as a table: the label is the folder around a file, the split is the first folder below `folder`."""
    if not folder.is_dir():
        pytest.skip(f"{folder} does not exist")
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    return table(*((str(p), p.parent.name, splits.get(p.relative_to(folder).parts[0]), sha256_file(p)) for p in files))


def test_kaggle253(shared):
    frame = hashed(shared / "data" / "kaggle253", {})
    assert len(frame) == 253
    assert summary(frame) == {"groups": 22, "surplus": 25, "across_labels": 0, "across_splits": []}
    assert duplicate_groups(frame)["count"].sum() == 47


def test_mc7023_leaks_from_training_into_test(shared):
    frame = hashed(shared / "data" / "mc7023", {"Training": "train", "Testing": "test"})
    pairs = {(pair["of"], pair["among"]): pair for pair in summary(frame)["across_splits"]}
    assert pairs["test", "train"] == {
        "of": "test",
        "among": "train",
        "files": 216,
        "total": 1311,
        "labels": {"meningioma": 106, "notumor": 105, "pituitary": 5},
    }
    assert frame[frame["split"] == "train"]["sha256"].nunique() == 5501

"""The declared fields of a report are those that it has, and reports of all versions are read."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter

from brainseg.datasets.masks import MaskedDataset
from brainseg.datasets.report import dataset_report
from brainseg.datasets.report_fields import DatasetReport, read_stored_report
from brainseg.datasets.table import Dataset
from tests.datasets.conftest import make_dataset

COPIES = ["a", "a", "b", "b"]


@pytest.fixture
def plain() -> Dataset:
    return make_dataset(["no", "yes"] * 2, hashes=COPIES, splits=["train", "test", "train", ""])


@pytest.fixture
def masked(plain: Dataset) -> MaskedDataset:
    table = plain.table.assign(mask_pixels=[0, 20, 0, 8], spacing="")
    return MaskedDataset(plain.root, table.assign(mask_sha256="m"), plain.classes, notes=("One note.",))


@pytest.mark.parametrize("kind", ["plain", "masked"])
def test_a_report_has_the_declared_fields_and_no_others(request: pytest.FixtureRequest, kind: str) -> None:
    report = dataset_report(request.getfixturevalue(kind))
    assert TypeAdapter(DatasetReport).validate_python(report, strict=True) == report
    assert ({"masks", "notes"} & set(report) != set()) == (kind == "masked")


def test_stored_reports_of_all_versions_are_read(masked: MaskedDataset) -> None:
    report = json.loads(json.dumps(dataset_report(masked)))
    stored = read_stored_report(report)
    assert stored == {name: report[name] for name in stored}
    assert {"patients", "near_copies"} < set(stored)
    # The first versions had neither of these, and other warnings and sizes.
    first = {name: value for name, value in report.items() if name not in ("patients", "near_copies", "masks", "notes")}
    first |= {"warnings": [{"path": "a.png", "warning": "Odd."}], "sizes": {"distinct": 0, "smallest": None}}
    assert read_stored_report(first) == {name: first[name] for name in stored if name in first}


@pytest.mark.parametrize("damage", [{"images": "many"}, {"duplicates": {}}, {"classes": ["no"]}, {"near_copies": None}])
def test_damaged_reports_are_refused(plain: Dataset, damage: dict) -> None:
    with pytest.raises(ValueError, match=next(iter(damage))):
        read_stored_report({**dataset_report(plain), **damage})

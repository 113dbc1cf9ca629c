"""Metrics on subsets of stored runs: by columns of the manifest, of the predictions, by size and brightness."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

from brainseg.cli.app import app as commands
from brainseg.datasets.manifest_cells import manifest_cells
from brainseg.errors import RunError
from brainseg.evaluation.intervals import wilson
from brainseg.evaluation.paired import holm
from brainseg.evaluation.segmentation import evaluate_masks
from brainseg.evaluation.subset_gaps import accuracy_gap
from brainseg.results.subset_words import subset_sentences, subsets_table
from brainseg.results.subsets import SubsetReport, subset_report
from brainseg.runs import Run, RunStore
from tests.app.compare_runs import finished_run
from tests.conftest import tiny_config
from tests.models.conftest import one_sentence


@pytest.fixture
def data(tmp_path: Path, tiny_set: Path) -> Path:
    """40 images of three sizes, and a manifest with more columns than brainseg uses."""
    folder = shutil.copytree(tiny_set, tmp_path / "data")
    rows = []
    for number, file in enumerate(sorted(folder.glob("*/*.png"))):
        if number % 3:
            Image.open(file).resize((72 + 8 * (number % 3), 72)).save(file)
        rows.append(
            {
                "Path": file.relative_to(folder).as_posix(),
                "Label": file.parent.name,
                "Scanner": "AB"[number % 2] if number % 10 else "",
                "Plane": ("axial", "coronal", "sagittal")[number // 2 % 3],
                "Age": 20 + number,
                "Site": "one",
            }
        )
    pd.DataFrame(rows).to_csv(folder / "manifest.csv", index=False)
    return folder


@pytest.fixture
def run(home: Path, data: Path, tmp_path: Path) -> Run:
    return finished_run(RunStore(), tiny_config(data), "parts", tmp_path / "runs", seed=3, skill=0.7)


def table_of(run: Run) -> pd.DataFrame:
    return pd.read_parquet(RunStore().path(run.id, "predictions.parquet"))


def subsets_of(report: SubsetReport, column: str) -> dict:
    (found,) = (each for each in report["columns"] if each["column"] == column)
    return {subset["name"]: subset for subset in found["subsets"]}


def test_every_property_is_found_and_each_metric_is_that_of_its_rows(run: Run, data: Path) -> None:
    report = subset_report(RunStore(), run)
    assert [column["column"] for column in report["columns"]] == [
        *("label", "scanner", "plane", "age", "image size", "brightness")
    ]
    table = table_of(run)
    cells = manifest_cells(data)
    right = (table["label"] == table["prediction"]).to_numpy()
    planes = np.array([cells[path]["plane"] for path in table["path"]])
    for name, subset in subsets_of(report, "plane").items():
        inside = planes == name
        assert (subset["metric"]["count"], subset["units"], subset["few"]) == (inside.sum(), inside.sum(), True)
        assert subset["metric"]["value"] == pytest.approx(right[inside].mean())
        assert subset["metric"]["interval"] == pytest.approx(wilson(int(right[inside].sum()), int(inside.sum())))
        gap = accuracy_gap(right, inside, np.arange(len(right)))
        assert (subset["gap"], subset["gap_interval"], subset["p"]) == (gap.difference, gap.interval, gap.p)
    (scanner,) = (column for column in report["columns"] if column["column"] == "scanner")
    assert scanner["unknown"] == 4
    assert sum(subset["metric"]["count"] for subset in scanner["subsets"]) == 36
    sizes = list(subsets_of(report, "image size"))
    assert sizes == ["low: up to 5,184 pixels", "middle: over 5,184, up to 5,760 pixels", "high: over 5,760 pixels"]
    assert [subset["metric"]["count"] for subset in subsets_of(report, "image size").values()] == [14, 13, 13]


def test_all_gaps_are_adjusted_together_and_mirrored_ones_once(run: Run) -> None:
    report = subset_report(RunStore(), run)
    tests = {}
    for column in report["columns"]:
        for subset in column["subsets"]:
            two = len(column["subsets"]) == 2
            tests.setdefault((column["column"], "" if two else subset["name"]), subset["p"])
            if two:
                assert subset["p"] == pytest.approx(column["subsets"][0]["p"])
    expected = dict(zip(tests, holm(list(tests.values())), strict=True))
    for column in report["columns"]:
        for subset in column["subsets"]:
            key = (column["column"], "" if len(column["subsets"]) == 2 else subset["name"])
            assert subset["adjusted"] == pytest.approx(expected[key])
    assert report["tests"] == len(tests) == 14
    words = " ".join(subset_sentences(report))
    assert "14 gaps were tested together" in words
    assert "fewer than 20 independent" in words
    assert len(subsets_table(report)) == 16


def test_one_property_is_chosen_by_its_name_and_copies_are_one_unit(run: Run) -> None:
    store = RunStore()
    alone = subset_report(store, run, "Image_Size")
    assert [column["column"] for column in alone["columns"]] == ["image size"]
    assert alone["tests"] == 3
    assert "prediction" in {column["column"] for column in subset_report(store, run, "prediction")["columns"]}
    for name, words in (
        ("zone", "has no column 'zone': choose one of group, label, "),
        ("site", "Column 'site' has 1 value on the evaluated images, and subsets need 2 to 12"),
    ):
        with pytest.raises(RunError, match=words) as caught:
            subset_report(store, run, name)
        one_sentence(caught.value)
    split = pd.read_csv(store.path(run.id, "split.csv"), dtype=str, keep_default_na=False)
    split.assign(twin=[f"near {n // 2}" for n in range(40)]).to_csv(store.path(run.id, "split.csv"), index=False)
    report = subset_report(store, run, "plane")
    assert report["units"] == 20
    assert "bootstrap over patients and copies" in report["columns"][0]["method"]
    assert "the intervals of the accuracies do not and are too narrow" in " ".join(subset_sentences(report))


def test_a_lost_dataset_leaves_the_columns_of_the_run(run: Run, data: Path) -> None:
    Image.new("L", (50, 50), 90).save(data / "no" / "000.png")
    report = subset_report(RunStore(), run, "brightness")
    sentence = "1 evaluated image was removed or changed, so its size and brightness are not known."
    assert report["problems"] == [sentence]
    assert report["columns"][0]["unknown"] == 1
    shutil.rmtree(data)
    report = subset_report(RunStore(), run)
    assert [column["column"] for column in report["columns"]] == ["label"]
    assert "is no longer there" in report["problems"][0]
    with pytest.raises(RunError, match="is no longer there"):
        subset_report(RunStore(), run, "brightness")


def test_the_command_prints_subsets_and_json(run: Run) -> None:
    done = CliRunner().invoke(commands, ["subsets", "parts", "--by", "plane"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "By plane (Newcombe, over images; exact test of Fisher):" in done.stdout
    assert "  axial: accuracy " in done.stdout
    assert "A gap does not name its cause" in done.stdout
    answer = CliRunner().invoke(commands, ["subsets", run.id, "--json"], catch_exceptions=False)
    assert json.loads(answer.stdout) == json.loads(json.dumps(subset_report(RunStore(), run)))
    waits = RunStore().create(run.config, "waits")
    refused = CliRunner().invoke(commands, ["subsets", waits.id])
    assert "is SCHEDULED and has no predictions" in one_sentence(refused.exception)


@pytest.mark.parametrize("finished_home", ["crossval_template"], indirect=True)
def test_masks_have_their_dice_by_patient_and_cross_validations_their_folds(finished_home: Path) -> None:
    store = RunStore()
    report = subset_report(store, store.get("marks"))
    columns = [column["column"] for column in report["columns"]]
    assert {"group", "fold", "brightness", "true_pixels"} <= set(columns)
    assert "split" not in columns, "the same as fold"
    assert "label" not in columns
    assert report["units"] == 10
    table = pd.read_parquet(store.path(store.get("marks").id, "slices.parquet"))
    folds = table["fold"].astype(str)
    for name, subset in subsets_of(report, "fold").items():
        rows, others = (table[side].reset_index(drop=True) for side in (folds == name, folds != name))
        expected = evaluate_masks(rows, ["background", "tumour"], seed=store.get("marks").config.data.seed)
        assert subset["metric"]["count"] == len(rows)
        assert subset["metric"]["value"] == pytest.approx(expected.dice)
        assert subset["metric"]["interval"] == pytest.approx(expected.intervals["dice"])
        assert subset["gap"] == pytest.approx(expected.dice - evaluate_masks(others, ["background", "tumour"]).dice)
    first = subset_report(store, store.get("first"), "fold")
    assert [subset["metric"]["count"] for subset in first["columns"][0]["subsets"]] == [8, 8]

"""Leaks of a stored run: in `results`, in `brainseg leaks`, and on the run's page."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner

from brainseg.cli.app import app as commands
from brainseg.evaluation.intervals import wilson
from brainseg.results.leaks import leak_report
from brainseg.runs import Run, RunStore
from tests.app.compare_runs import finished_run
from tests.app.run_pages import open_panel, paths_shown, texts
from tests.conftest import tiny_config


@pytest.fixture
def leaky(tmp_path: Path, phantom_slices: list[Path]) -> Path:
    """Eight slices to learn from; of the six to validate on, three are copies of them: the same, cropped, of a copy."""
    folder = tmp_path / "leaky"
    images = [Image.open(file).convert("L") for file in phantom_slices[:22:2]]
    for name in ("no", "yes"):
        (folder / name).mkdir(parents=True)
    for number, image in enumerate(images[:8]):  # "no" comes before "yes", and "a" before "b": these are the last
        image.save(folder / "yes" / f"b{number}.png")
    for number, image in enumerate(images[8:]):
        image.save(folder / "no" / f"new{number}.png")
    shutil.copy(folder / "yes" / "b0.png", folder / "no" / "same.png")
    wide, high = images[1].size
    images[1].crop((wide // 10, high // 12, wide, high)).save(folder / "no" / "cropped.png")
    images[2].transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / "no" / "mirrored.png")
    return folder


@pytest.fixture
def run(home: Path, leaky: Path, tmp_path: Path) -> Run:
    return finished_run(RunStore(), tiny_config(leaky), "leaky", tmp_path / "runs", images=slice(0, 6), skill=0.6)


def test_each_copy_is_named_with_its_kind_and_the_metric_without_it(run: Run) -> None:
    report = leak_report(RunStore(), run)
    assert {image["path"]: (image["twin"], image["kind"], image["mirrored"]) for image in report["images"]} == {
        "no/same.png": ("yes/b0.png", "identical", False),
        "no/cropped.png": ("yes/b1.png", "near", False),
        "no/mirrored.png": ("yes/b2.png", "near", True),
    }
    assert [image["aligned"] for image in report["images"]] == [True, False, False]
    assert {(image["label"], image["twin_label"]) for image in report["images"]} == {("no", "yes")}
    assert (report["problem"], report["trained_on"], report["evaluated_on"]) == ("", 8, "valid")
    table = pd.read_parquet(RunStore().path(run.id, "predictions.parquet"))
    rest = table[table["path"].str.contains("new")]
    for metric, rows in ((report["all_images"], table), (report["without"], rest)):
        right = int((rows["label"] == rows["prediction"]).sum())
        assert (metric["count"], metric["value"]) == (len(rows), right / len(rows))
        assert metric["interval"] == pytest.approx(wilson(right, len(rows)))
    assert [report["all_images"]["count"], report["without"]["count"]] == [6, 3]


def test_a_changed_or_missing_dataset_is_named_and_exact_copies_are_known_anyway(run: Run, leaky: Path) -> None:
    Image.new("L", (50, 50), 90).save(leaky / "no" / "mirrored.png")
    report = leak_report(RunStore(), run)
    assert [image["path"] for image in report["images"]] == ["no/cropped.png", "no/same.png"]
    assert report["problem"].startswith("1 of the 14 images of this run were changed or removed")
    shutil.rmtree(leaky)
    report = leak_report(RunStore(), run)
    assert [image["path"] for image in report["images"]] == ["no/same.png"]
    assert "is no longer there, so only byte-identical copies are known" in report["problem"]


def test_the_command_lists_the_copies(run: Run, leaky: Path) -> None:
    done = CliRunner().invoke(commands, ["leaks", "leaky"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "3 of 6 validation images have a copy among the 8 training images." in done.stdout
    assert "no/mirrored.png = yes/b2.png: near copy, mirrored or turned, another label" in done.stdout
    assert "n = 3" in done.stdout
    answer = json.loads(CliRunner().invoke(commands, ["leaks", run.id, "--json"], catch_exceptions=False).stdout)
    assert answer == json.loads(json.dumps(leak_report(RunStore(), run)))


def test_the_page_shows_the_pairs_side_by_side(run: Run, open_page: Callable[..., AppTest], leaky: Path) -> None:
    app = open_panel(open_page("runs", run=run.id), "Leaks")
    assert not app.exception
    assert "3 of 6 validation images have a copy" in texts(app)
    shown = [path.removeprefix("Image ") for path in paths_shown(app)]
    assert sorted(shown) == sorted(
        ["no/cropped.png", "yes/b1.png", "no/mirrored.png", "yes/b2.png", "no/same.png", "yes/b0.png"]
    )
    assert [metric.label for metric in app.metric][:2] == [
        "Accuracy on all evaluated images",
        "Accuracy without images with a copy",
    ]
    (leaky / "no" / "same.png").unlink()
    app.run()
    assert "no/same.png is no longer in its dataset" in texts(app)


@pytest.mark.parametrize("finished_home", ["segment_template"], indirect=True)
def test_a_segmentation_has_its_dice_without_leaks(finished_home: Path) -> None:
    store = RunStore()
    (run,) = (run for run in store.list() if run.config.task == "segment")
    report = leak_report(store, run)
    evaluation = json.loads(store.path(run.id, "evaluation.json").read_text("utf-8"))
    assert report["all_images"]["name"] == "dice"
    assert report["all_images"]["value"] == pytest.approx(evaluation["dice"])
    assert list(report["all_images"]["interval"] or ()) == pytest.approx(evaluation["intervals"]["dice"] or ())
    assert report["all_images"]["count"] == evaluation["slices"]
    assert report["without"]["count"] == evaluation["slices"] - len(report["images"])

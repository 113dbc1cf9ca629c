"""Planted label errors from a training to the command and the pages; the gallery of failures."""

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

from brainseg.app.classification.cases import case_words
from brainseg.app.frame import UNEXPECTED
from brainseg.app.segmentation.failures import KINDS
from brainseg.cli.app import app as commands
from brainseg.evaluation.segmentation import load_masks, save_masks
from brainseg.models.calibration import Calibration
from brainseg.results.label_report import label_report
from brainseg.runs import Run, RunStore
from tests.app.compare_runs import finished_run
from tests.app.conftest import train_runs
from tests.app.page_text import plain
from tests.app.run_pages import charts, open_panel, paths_shown, texts
from tests.conftest import fresh_home, tiny_config

PLANTED = ("no/wrong0.png", "no/wrong1.png", "yes/wrong2.png")


@pytest.fixture(scope="module")
def planted_home(tmp_path_factory: pytest.TempPathFactory, store_template: Path, tiny_set: Path) -> Path:
    """A home with an instant baseline on a set with three wrong labels and two copies with different labels."""
    folder = tmp_path_factory.mktemp("planted")
    data = shutil.copytree(tiny_set, folder / "data")
    for number, path in enumerate(PLANTED):
        other = "yes" if path.startswith("no") else "no"
        (data / other / f"{number:03d}.png").rename(data / path)
    Image.open(data / "yes" / "010.png").save(data / "no" / "copy.png", compress_level=0)
    home = fresh_home(folder / "home", store_template)
    config = tiny_config(data, **{"model.head": "logistic", "compute.nice": 0, "model.regularisation": 0.01})
    train_runs(home, {"planted": config})
    return home


@pytest.fixture
def planted(planted_home: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("BRAINSEG_HOME", str(planted_home))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return RunStore().get("planted")


def test_planted_errors_are_the_first_of_all_images(planted: Run, open_page: Callable[..., AppTest]) -> None:
    app = open_panel(open_page("runs", run=planted.id), "Labels")
    assert "Only the " in texts(app)
    assert "--all-images` judges all." in texts(app)
    done = CliRunner().invoke(commands, ["labels", "planted", "--all-images", "--top", "4"], catch_exceptions=False)
    assert done.exit_code == 0
    lines = [line for line in done.stdout.splitlines() if line.strip()[:2] in ("1.", "2.", "3.", "4.")]
    assert lines[0].startswith("  1. no/copy.png: label no, suggested yes, fold ")
    assert "its copy yes/010.png has another label" in lines[0]
    assert {line.split(". ")[1].split(":")[0] for line in lines[1:]} == set(PLANTED)
    assert "Each of the 41 images was judged by a model that had not trained on it in each of 5 repeats." in done.stdout
    assert "1 group of copies has several labels" in done.stdout
    assert "and 37 more: --json lists all" in done.stdout
    answer = json.loads(CliRunner().invoke(commands, ["labels", planted.id, "--json"], catch_exceptions=False).stdout)
    assert answer == json.loads(json.dumps(label_report(RunStore(), planted)))
    assert answer["conflicts"] == 1
    app.run()
    assert not app.error
    assert paths_shown(app) == [label["path"] for label in answer["labels"][:6]]
    assert paths_shown(app)[0] == "no/copy.png"
    shown = texts(app)
    assert "Label: **no**, suggested: **yes**" in shown
    assert "Why: its copy yes/010.png has another label" in shown
    assert "Each of the 41 images was judged" in shown


def test_a_run_without_enough_images_says_so_on_its_tab(
    home: Path, tiny_set: Path, tmp_path: Path, open_page: Callable[..., AppTest]
) -> None:
    run = finished_run(RunStore(), tiny_config(tiny_set), "few", tmp_path / "runs", images=slice(17, 23))
    app = open_panel(open_page("runs", run=run.id), "Labels")
    assert any(text.startswith("Only 6 images of run 'few' were predicted") for text in plain(app.info))


def unexpected(app: AppTest) -> list[str]:
    """Faults on the page; that this run has no bundle is none."""
    return [text for text in plain(app.error) if text.startswith(UNEXPECTED.partition("{")[0])]


def test_failures_are_filtered_by_class_and_subset(
    home: Path, tiny_set: Path, tmp_path: Path, open_page: Callable[..., AppTest]
) -> None:
    run = finished_run(RunStore(), tiny_config(tiny_set), "failing", tmp_path / "runs", seed=1, skill=0.7)
    table = pd.read_parquet(RunStore().path(run.id, "predictions.parquet"))
    ranked = table.assign(right=table["label"] == table["prediction"]).sort_values(
        ["right", "loss"], ascending=[True, False]
    )
    app = open_panel(open_page("runs", run=run.id), "Hardest cases")
    assert paths_shown(app) == ranked["path"].head(6).tolist()
    app.multiselect(key="hardest-actual").set_value(["yes"])
    app.toggle(key="hardest-wrong").set_value(True).run()
    missed = ranked[(ranked["label"] == "yes") & ~ranked["right"]]
    assert paths_shown(app) == missed["path"].head(6).tolist()
    app.toggle(key="hardest-wrong").set_value(False)
    app.toggle(key=f"hardest-{run.id}-subset").set_value(True).run()
    assert not unexpected(app)
    app.selectbox(key=f"hardest-{run.id}-property").select("brightness").run()
    parts = app.selectbox(key=f"hardest-{run.id}-part-brightness")
    app.number_input(key=f"hardest-count-{run.id}").set_value(40).run()
    shown = []
    for part in parts.options:
        app.selectbox(key=f"hardest-{run.id}-part-brightness").select(part).run()
        shown += paths_shown(app)
    assert sorted(shown) == sorted(table.loc[table["label"] == "yes", "path"])
    open_panel(app, "Subsets")
    assert not unexpected(app)
    assert set(app.dataframe[0].value["Property"]) == {"true class", "brightness"}


def test_a_calibrated_model_has_probabilities() -> None:
    case = {"path": "a", "label": "no", "prediction": "yes", "loss": 2.2, "p_no": 0.1, "p_yes": 0.9}
    assert "Score of yes 90.0 %, loss 2.200" in case_words(case)
    words = case_words(case, Calibration(temperature=2.0, count=120, wrong=12))
    assert "Probability of yes 75.0 % (calibrated on 120 images), loss 2.200" in words


def test_missed_tumours_and_false_alarms_are_shown(segment_home: Path, open_page: Callable[..., AppTest]) -> None:
    store = RunStore()
    run = store.get("marks")
    files = [store.path(run.id, name) for name in ("slices.parquet", "masks.npz")]
    table, masks = pd.read_parquet(files[0]), load_masks(files[1])
    ill, healthy = (table.index[table["has_tumour"] == sick] for sick in (True, False))
    table.loc[ill[:2], ["tp", "fp", "predicted_pixels", "dice"]] = 0
    table.loc[healthy[:3], ["fp", "predicted_pixels", "dice"]] = [5, 5, 0]
    table.loc[healthy[3:], ["fp", "predicted_pixels"]] = 0
    table.loc[ill[2:], "predicted_pixels"] = table.loc[ill[2:], "predicted_pixels"].clip(lower=1)
    table.to_parquet(files[0])
    save_masks(files[1], [masks[row] for row in range(len(masks))])
    app = open_panel(open_page("runs", run=run.id), "Worst slices")
    assert charts(app) == 1
    for kind, count in zip(list(KINDS)[1:], (2, 3), strict=True):
        app.session_state["failures"] = kind
        app.run()
        assert not app.error
        assert f"1 to {count} of {count}" in texts(app)
    open_panel(app, "Subsets")
    assert not app.error
    assert "brightness" in set(app.dataframe[0].value["Property"])

"""The few sentences of each page that nobody must miss, word for word: all other tests import what they look for."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from brainseg.app import model_cache
from brainseg.datasets.library import add_folder, add_phantom
from brainseg.reading.creating import StudyRequest, create_study
from brainseg.runs import Run, RunStore
from tests.app.compare_runs import finished_run
from tests.app.diagnose_pages import put_in
from tests.app.page_text import plain
from tests.app.train_pages import widget_key
from tests.bundles import edit_of_run
from tests.conftest import tiny_config, write_set

NOT_FOR_PATIENTS = "Research use only, not a medical device."
UNLIKE = "Not like the images this model was trained on"
LEAKY = {"copies_in_training": 9, "selected_on_these_images": True}
COPIES, SELECTED = "9 of them are copies of training images", "the best epoch was chosen on these same images"


def everything(app) -> str:
    assert not app.exception
    parts = [*app.header, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(plain(parts))


@pytest.fixture
def leaky(home: Path, tiny_set: Path, tmp_path: Path) -> Run:
    """A finished run whose metrics are too good, on images of unknown patients."""
    facts = {**LEAKY, "patients_known": {"count": 0, "source": "none"}}
    return finished_run(RunStore(), tiny_config(tiny_set), "leaky", tmp_path / "runs", skill=1.0, caveats=facts)


def test_home(leaky: Run, open_page) -> None:
    shown = everything(open_page("home"))
    for sentence in (NOT_FOR_PATIENTS, COPIES, SELECTED, "patients unknown"):
        assert sentence in shown


def test_diagnose(tuned: Run, tiny_set: Path, open_page) -> None:
    edit_of_run(tuned.id, lambda values: values["guard"].update(limit=1e-6, brain_like=False))
    model_cache.predictor(tuned.id)
    app = put_in(open_page("diagnose"), tiny_set / "yes" / "000.png")
    shown = everything(app)
    assert app.header[0].value == UNLIKE, "before any class"
    assert not any(" % " in f"{text} " for text in plain(app.header)), "no class with its probability is a headline"
    for sentence in (
        NOT_FOR_PATIENTS,
        "If it were, the answer would be: ",
        "The scores are not calibrated: calibration needs 100 held-out images, and there are ",
        "Ground truth: yes.",
    ):
        assert sentence in shown
    app.button(key="sample-1").click().run()
    assert "Held out: tuned was not trained on this image." in everything(app)


def test_train(finished_home: Path, open_page) -> None:
    app = open_page("train")
    app.selectbox(key=widget_key(app, "model.weights")).select("A finished run (warm start)").run()
    shown = everything(app)
    assert NOT_FOR_PATIENTS in shown
    assert "If it was trained on images that are held out now, the metrics of the new run are too good." in shown


def test_runs(leaky: Run, open_page) -> None:
    app = open_page("runs", run=leaky.id)
    assert NOT_FOR_PATIENTS in everything(app)
    warned = "\n".join(plain(app.warning))
    for sentence in (COPIES, SELECTED, "patients unknown", "Evaluated on the validation set of a "):
        assert sentence in warned


def test_compare(leaky: Run, tiny_set: Path, tmp_path: Path, open_page) -> None:
    folder = tmp_path / "runs"
    finished_run(RunStore(), tiny_config(tiny_set), "twin", folder, seed=1, skill=1.0)
    finished_run(RunStore(), tiny_config(tiny_set), "other", folder, seed=2, images=slice(0, 30))
    shown = everything(open_page("compare"))
    for sentence in (
        NOT_FOR_PATIENTS,
        "Not comparable as a whole",
        "Compare metrics within a set, never between sets.",
        "The two runs are **not separated**",
        "“Not separated” does not mean equally good: this sample is too small to tell.",
        COPIES,
    ):
        assert sentence in shown


def test_data(home: Path, tmp_path: Path, open_page) -> None:
    root = write_set(tmp_path / "set" / "train", ("no", "yes"), 4)
    write_set(root.parent / "test", ("no", "yes"), 2)
    shutil.copy(root / "yes" / "000.png", root.parent / "test" / "yes" / "leak.png")
    add_folder(root.parent)
    shown = everything(open_page("data"))
    for sentence in (
        NOT_FOR_PATIENTS,
        "are byte-identical to a training file, so metrics on them are too good",
        "Patients unknown: slices of one patient may be on both sides.",
    ):
        assert sentence in shown
    known = add_phantom(4, 0)
    shown = everything(open_page("data", data=known.name))
    assert "Synthetic images: metrics measured on them say nothing about patients." in shown


def test_read(home: Path, open_page) -> None:
    study = create_study(StudyRequest(add_phantom(4, 0, slices_per_subject=1), cases=2))
    shown = everything(open_page("read"))
    for sentence in (
        NOT_FOR_PATIENTS,
        "Your answer is locked before you see the model's",
        "All cases are synthetic: the results say nothing about patients.",
    ):
        assert sentence in shown
    assert "Choose a pseudonym, not your real name" in everything(open_page("read", study=study.id))


def test_about(finished_home: Path, tuned: Run, open_page) -> None:
    shown = everything(open_page("about"))
    for sentence in (NOT_FOR_PATIENTS, "What it is not for", "without any warranty"):
        assert sentence in shown

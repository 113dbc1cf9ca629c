"""Similar training images beside an answer: found, missing, damaged, moved and private."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from brainseg.app import model_cache
from brainseg.diagnosis.predictor import Predictor
from brainseg.models.neighbours import NEIGHBOURS
from brainseg.results import stored_results
from brainseg.results.classification.calibration import calibrate_run
from brainseg.results.similar_cases import SHOWN, similar_cases
from brainseg.runs import Run, RunStore
from brainseg.runs.migrations import PREFIX
from brainseg.scans import read_scan
from tests.app.diagnose_pages import answers, images, page, put_in, texts
from tests.bundles import edit_of_run

__all__ = ["images", "page"]


def learnt(run: Run, data: Path) -> Path:
    table = stored_results.split(RunStore(), run)
    assert table is not None
    return data / table[table["split"] == "train"]["path"].iloc[0]


def similar_captions(app) -> list[str]:
    captions = [caption.replace("\\", "") for image in app.get("image") for caption in image.captions]
    return [caption for caption in captions if ", similarity" in caption]


def test_a_training_image_is_most_similar_to_itself(page, tuned: Run, tiny_set: Path) -> None:
    file = learnt(tuned, tiny_set)
    app = put_in(page, file)
    shown = similar_captions(app)
    assert len(shown) == SHOWN
    assert shown[0] == f"{file.parent.name}, similarity 1.00"
    (answer,) = answers(app)
    found = similar_cases(RunStore(), tuned, answer.features)
    assert found is not None
    assert tiny_set / found.cases[0].path == file
    assert [f"{case.label}, similarity {case.similarity:.2f}" for case in found.cases] == shown
    assert f"Of the {SHOWN} most similar among {found.learnt} training images: " in texts(app)
    assert found.searched == found.learnt


def test_a_run_of_an_earlier_version_says_that_it_stored_none(page, tuned: Run, tiny_set: Path) -> None:
    RunStore().path(tuned.id, NEIGHBOURS).unlink()
    app = put_in(page, tiny_set / "yes" / "000.png")
    assert not similar_captions(app)
    assert "This run did not store what its training images look like" in texts(app)


def test_a_damaged_file_is_one_sentence_and_spoils_no_answer(page, tuned: Run, tiny_set: Path) -> None:
    RunStore().path(tuned.id, NEIGHBOURS).write_bytes(b"nothing")
    app = put_in(page, tiny_set / "yes" / "000.png")
    assert answers(app)
    assert f"{NEIGHBOURS} of run 'tuned' is damaged" in texts(app)


def test_private_images_are_not_shown(page, tuned: Run, tiny_set: Path) -> None:
    config = tuned.config.model_copy(update={"data": tuned.config.data.model_copy(update={"private": True})})
    RunStore().set_tags(tuned.id, {PREFIX + "config": config.model_dump_json()})
    app = put_in(page, tiny_set / "yes" / "000.png")
    assert not similar_captions(app)
    assert "private" in texts(app)


def test_images_that_are_gone_leave_their_classes(page, tuned: Run, tiny_set: Path, tmp_path: Path) -> None:
    moved = shutil.copytree(tiny_set, tmp_path / "elsewhere")
    config = tuned.config.model_copy(update={"data": tuned.config.data.model_copy(update={"path": str(moved)})})
    RunStore().set_tags(tuned.id, {PREFIX + "config": config.model_dump_json()})
    shutil.rmtree(moved)
    app = put_in(page, tiny_set / "yes" / "000.png")
    assert not similar_captions(app)
    assert texts(app).count("; the image was moved or changed") == SHOWN


def test_a_model_that_is_calibrated_meanwhile_is_used_without_a_restart(page, tuned: Run, images) -> None:
    app = put_in(page, images[0])
    edit_of_run(tuned.id, lambda values: values.update(calibration=None))
    assert model_cache.description(tuned.id)[0].calibration is None
    model_cache.predictor(tuned.id)
    assert "the model is of an earlier version of brainseg, so calibrate its run" in texts(app.run())
    calibrate_run(RunStore(), RunStore().get(tuned.id))
    assert model_cache.description(tuned.id)[0].calibration is not None
    model_cache.predictor(tuned.id)
    assert "calibration needs 100 held-out images" in texts(app.run())
    assert not app.exception


@pytest.mark.parametrize("count", [1, 3])
def test_the_number_of_similar_images_can_be_chosen(finished_home, tiny_set: Path, count: int) -> None:
    store = RunStore()
    run = store.get("baseline")
    features = Predictor.open(store.bundle(run)).diagnose(read_scan(tiny_set / "no" / "001.png")).features
    found = similar_cases(store, run, features, count)
    assert found is not None
    assert len(found.cases) == count

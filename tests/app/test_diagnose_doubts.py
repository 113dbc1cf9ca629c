"""What the Diagnose page says before any class, and how it keeps and clears images."""

from __future__ import annotations

import pytest

from brainseg.app import model_cache
from brainseg.diagnosis.doubts import UNLIKE
from brainseg.runs import Run, RunStore
from tests.app.diagnose_pages import answers, images, page, put_in, texts
from tests.bundles import edit, edit_of_run

__all__ = ["images", "page"]


@pytest.fixture
def strict(tuned: Run) -> Run:
    """A model for which every image is far from its training images."""
    edit_of_run(tuned.id, lambda values: values["guard"].update(limit=1e-6, brain_like=False))
    model_cache.predictor(tuned.id)
    return tuned


def test_an_image_unlike_the_training_images_is_told_before_its_class(strict: Run, images, open_page) -> None:
    app = put_in(open_page("diagnose"), *images)
    assert app.header[0].value == UNLIKE
    (answer, *_) = answers(app)
    said = texts(app)
    assert f"{UNLIKE}: " in said
    assert "If it were, the answer would be: " in said
    assert answer.origin in said
    assert said.count(UNLIKE) >= len(images) + 2, "in the gallery too"
    (table,) = (table.value for table in app.dataframe)
    assert table["Like the training images"].tolist() == ["no"] * len(images)
    assert all(UNLIKE in remark for remark in table["Remark"])


def test_what_the_model_is_stands_in_the_headline_of_every_answer(page, tuned: Run, images) -> None:
    app = put_in(page, *images)
    count = model_cache.description(tuned.id)[0].data["training_images"]
    assert f"Trained on tiny ({count} images)." in texts(app)
    app.selectbox(key="gallery-order").select("by name").run()
    app.selectbox(key="gallery-show").select("with warnings").run()
    assert not app.exception


def test_a_bundle_that_was_edited_is_refused_by_the_page(tuned: Run, images, open_page) -> None:
    model_cache.predictor(tuned.id)
    folder = RunStore().bundle(tuned)
    edit(folder, lambda values: values.update(classes=values["classes"][::-1]))
    app = open_page("diagnose")
    (error,) = app.error
    assert "was changed after its training" in error.value.replace("\\", "")


def test_uploads_are_cleared_as_one_and_a_sample_stays_in_the_address(page, tuned: Run, images, open_page) -> None:
    app = put_in(page, *images)
    next(button for button in app.button if button.label == "Clear all images").click().run()
    assert not app.exception
    assert "000.png" not in texts(app)
    app.button(key="sample-1").click().run()
    assert "Sample 1" in texts(app)
    address = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    assert address["run"] == tuned.id
    again = open_page("diagnose", **address)
    assert "Sample 1" in texts(again)
    assert "Ground truth: " in texts(again)

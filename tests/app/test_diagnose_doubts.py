"""What the Diagnose page shows before any class, and how it keeps and clears images."""

from __future__ import annotations

import pytest

from brainseg.app import model_cache
from brainseg.app.diagnose.answers import Answered
from brainseg.app.diagnose.card import short_words
from brainseg.app.diagnose.cases import Case
from brainseg.diagnosis.doubts import UNLIKE, unlike_sentence
from brainseg.results.run_images import read_image
from brainseg.runs import Run, RunStore
from brainseg.scans import read_scan
from tests.app.diagnose_pages import answers, images, page, put_in, remarks_on, sample_of, texts
from tests.app.page_text import message, plain
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
    assert unlike_sentence(answer.reasons) in said
    assert answer.in_domain is False
    assert answer.origin in said
    shown = short_words(Answered(Case("", read_scan(images[0])), answer))
    assert shown not in plain(app.header), "the class is no headline"
    assert [text.startswith(":gray[") for text in plain(app.markdown) if shown in text] == [True]
    assert said.count(UNLIKE) >= len(images) + 2, "in the gallery too"
    (table,) = (table.value for table in app.dataframe)
    assert table["Like the training images"].tolist() == ["no"] * len(images)
    assert all(UNLIKE in remark for remark in table["Remark"])


def test_what_the_model_is_stands_in_the_headline_of_every_answer(page, tuned: Run, images) -> None:
    app = put_in(page, *images)
    count = model_cache.description(tuned.id)[0].data["training_images"]
    origins = {answer.origin for answer in answers(app)}
    assert all(origin in texts(app) for origin in origins)
    assert all(name in origin for origin in origins for name in ("tiny", f"{count} "))
    app.selectbox(key="gallery-order").select("by name").run()
    app.selectbox(key="gallery-show").select("with warnings").run()
    assert not app.exception


def test_a_bundle_that_was_edited_is_refused_by_the_page(tuned: Run, images, open_page) -> None:
    model_cache.predictor(tuned.id)
    folder = RunStore().bundle(tuned)
    edit(folder, lambda values: values.update(classes=values["classes"][::-1]))
    app = open_page("diagnose")
    (error,) = app.error
    assert error.value.replace("\\", "") == message(model_cache.description, tuned.id)


def test_uploads_are_cleared_as_one_and_a_sample_stays_in_the_address(page, tuned: Run, images, open_page) -> None:
    app = put_in(page, *images)
    app.button(key="clear-uploads").click().run()
    assert not app.exception
    assert "000.png" not in texts(app)
    app.button(key="sample-1").click().run()
    assert "Sample 1" in texts(app)
    address = {name: value if isinstance(value, str) else value[0] for name, value in app.query_params.items()}
    assert address["run"] == tuned.id
    again = open_page("diagnose", **address)
    assert "Sample 1" in texts(again)
    member, sample = sample_of(again)
    assert sample == sample_of(app)[1]
    (label, *_) = remarks_on(again, read_image(member.run, sample.path, sample.sha256), tuned)
    assert label in plain([*again.info, *again.warning])

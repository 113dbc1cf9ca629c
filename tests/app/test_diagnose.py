"""The Diagnose page with models: images in, answers out, the same as elsewhere."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from typer.testing import CliRunner

from brainseg.app import model_cache
from brainseg.app.diagnose import answers as diagnose_answers
from brainseg.app.diagnose.cases import MOST_FILES
from brainseg.app.diagnose.samples import RULE
from brainseg.cli.app import app as command_line
from brainseg.diagnosis.heatmap_measurement import HEATMAPS
from brainseg.diagnosis.images import CAPTION
from brainseg.diagnosis.pointing import NOT_MEASURED, summarise
from brainseg.diagnosis.words import evaluation_sentence, percent
from brainseg.files import write_json
from brainseg.runs import Run, RunStore
from brainseg.scans import read_scan
from tests.app.diagnose_pages import answers, images, page, pictures, put_in, texts

__all__ = ["images", "page"]

NOTES = ("notes.png", b"no image at all")


def split_table(run: Run):
    from brainseg.results.stored_results import split

    return split(RunStore(), run)


# ------------------------------------------------------------------------------------------------- one image


def test_an_image_is_answered_as_the_predictor_answers(page, tuned: Run, images) -> None:
    app = put_in(page, images[0])
    expected = model_cache.predictor(tuned.id).diagnose(read_scan(images[0]))
    decision = f"{expected.label} · {percent(expected.probabilities[expected.label])}"
    assert app.header[0].value.replace("\\", "") == decision
    said = texts(app)
    assert expected.sentence in said
    assert expected.heatmap_title in said
    assert CAPTION in said
    assert evaluation_sentence(model_cache.description(tuned.id)[0].validation) in said
    assert f"tuned ({model_cache.description(tuned.id)[1]})" in said
    assert "not a calibrated risk" in said
    assert "Answered in" in said
    for caption in ("Image", "Heatmap", "Overlay"):
        assert len(pictures(app, caption)) == 1
    alts = [picture.alt for image in app.get("image") for picture in image.proto.imgs]
    assert all(alts)
    (answer,) = answers(app)
    assert answer.probabilities == pytest.approx(expected.probabilities, abs=1e-6)
    assert len(app.get("plotly_chart")) == 1
    assert not app.error


def test_the_command_line_gives_the_same_answer(page, tuned: Run, images) -> None:
    put_in(page, images[1])
    done = CliRunner().invoke(command_line, ["predict", "--run", tuned.id, str(images[1]), "--json"])
    told = json.loads(done.stdout)[0]
    (answer,) = answers(page)
    assert told["label"] == answer.label
    assert told["probabilities"] == pytest.approx(answer.probabilities, abs=1e-6)
    assert told["model"] == answer.model


def test_opacity_changes_the_overlay_alone_and_asks_no_model(page, images, monkeypatch) -> None:
    app = put_in(page, images[0])
    before = {caption: pictures(app, caption) for caption in ("Image", "Heatmap", "Overlay")}
    monkeypatch.setattr(diagnose_answers, "ask", None)
    app.slider(key="opacity").set_value(0).run()
    assert not app.error
    assert pictures(app, "Overlay") == pictures(app, "Image") == before["Image"]
    app.slider(key="opacity").set_value(100).run()
    assert pictures(app, "Overlay") != before["Overlay"]
    assert pictures(app, "Heatmap") == before["Heatmap"]


def test_the_same_image_under_the_same_settings_is_asked_about_once(page, images, monkeypatch) -> None:
    asked = []
    real = diagnose_answers.diagnose_with
    monkeypatch.setattr(
        diagnose_answers, "diagnose_with", lambda *args, **options: asked.append(options) or real(*args, **options)
    )
    app = put_in(page, images[0])
    app.run()
    put_in(app, images[0])
    assert len(asked) == 1
    app.selectbox(key="explain").select("no").run()
    app.selectbox(key="explain").select("").run()
    assert len(asked) == 2


def test_class_method_and_layer_can_be_chosen(page, images) -> None:
    app = put_in(page, images[0])
    label, maps = answers(app)[0].label, set(pictures(app, "Heatmap"))
    other = "no" if label == "yes" else "yes"
    app.selectbox(key="explain").select(other).run()
    assert f"Heatmap for class {other} by Grad-CAM on layer4" in texts(app)
    for method, words in (
        ("grad-cam++", f"Heatmap for class {other} by Grad-CAM++ on layer2"),
        ("eigen-cam", "for no class in particular, by EigenCAM on layer2"),
        ("score-cam", f"Heatmap for class {other} by ScoreCAM on layer2"),
    ):
        app.selectbox(key="layer-4").select(2)
        app.selectbox(key="method").select(method).run()
        assert words in texts(app)
        maps |= set(pictures(app, "Heatmap"))
    assert len(maps) >= 4
    assert {answer.label for answer in answers(app)} == {label}
    assert app.selectbox(key="layer-4").options == ["default", "layer4 (the last)", "layer3", "layer2", "layer1"]


def test_an_image_that_was_learnt_from_proves_nothing_and_one_that_was_held_out_is_said_to_be(page, tuned, tiny_set):
    table = split_table(tuned)
    for side, words in (("train", "tuned was trained on this very image"), ("valid", "Held out: tuned was not")):
        row = table[table["split"] == side].iloc[0]
        app = put_in(page, tiny_set / row["path"])
        assert words in texts(app)
        assert f"Ground truth: {row['label']}. The prediction" in texts(app)


def test_the_page_says_how_often_the_heatmap_finds_the_tumour(page, tuned, images, tmp_path) -> None:
    assert NOT_MEASURED in texts(put_in(page, images[0]))
    found = summarise([(np.eye(2), np.eye(2)), (1 - np.eye(2), np.eye(2))], "grad-cam", 4).to_dict()
    write_json(tmp_path / HEATMAPS, found)
    RunStore().log_file(tuned.id, tmp_path / HEATMAPS)
    st.cache_data.clear()
    app = put_in(page, images[0])
    assert "lies inside the tumour on 1 of 2 slices that it did not learn from" in texts(app)
    assert RULE in texts(app)


# ------------------------------------------------------------------------------------------------- several images


def test_a_bad_file_gets_one_sentence_beside_the_good_ones(page, images) -> None:
    app = put_in(page, *images, NOTES)
    (error,) = app.error
    assert error.value.replace("\\", "").startswith("notes.png is not an image that brainseg reads")
    assert len(answers(app)) == 3
    (table,) = (table.value for table in app.dataframe)
    assert table["File"].tolist() == ["000.png", "001.png", "002.png", "notes.png"]
    assert "not an image" in table["Remark"].iloc[3]
    labels = [answer.label for answer in answers(app)]
    assert table["Decision"].tolist() == [*labels, ""]
    assert {button.label for button in app.get("download_button")} >= {
        "Table (CSV)", "This image with its answer (PNG)", "All images and the table (ZIP)"
    }  # fmt: skip


def test_any_image_of_the_gallery_can_be_looked_at(page, images) -> None:
    app = put_in(page, *images)
    first = pictures(app, "Image")
    app.button(key="show-2").click().run()
    assert pictures(app, "Image") != first
    assert not app.exception
    put_in(app, images[0])
    assert pictures(app, "Image") == first


def test_a_bad_file_alone_is_one_sentence(page) -> None:
    app = put_in(page, NOTES)
    assert len(app.error) == 1
    assert not pictures(app, "Image")


def test_more_files_than_are_answered_at_a_time_are_one_sentence(page, images) -> None:
    app = put_in(page, *[images[0]] * (MOST_FILES + 1))
    assert f"{MOST_FILES + 1} files are more than the {MOST_FILES}" in texts(app)
    assert len(app.dataframe[0].value) == MOST_FILES


def test_images_that_are_put_in_are_never_written(page, images, finished_home: Path) -> None:
    before = {file for file in finished_home.rglob("*") if file.is_file()}
    put_in(page, *images)
    assert {file for file in finished_home.rglob("*") if file.is_file()} - before == set()


# ------------------------------------------------------------------------------------------------- samples


def test_a_sample_tells_its_label_with_the_answer_and_not_before(page, tuned: Run) -> None:
    assert "Ground truth" not in texts(page)
    buttons = [button for button in page.button if button.key.startswith("sample-")]
    seen = set()
    for button in buttons:
        app = page.button(key=button.key).click().run()
        assert not app.exception
        said = texts(app)
        assert "Ground truth: " in said
        assert "Held out: tuned was not trained on this image." in said
        seen |= {name for name in ("no", "yes") if f"Ground truth: {name}." in said}
    assert seen == {"no", "yes"}, "each class has a sample"


def test_an_image_put_in_replaces_the_sample_and_the_other_way_round(page, images) -> None:
    app = page.button(key="sample-1").click().run()
    assert "Sample 1" in texts(app)
    put_in(app, images[0])
    assert "000.png" in texts(app)
    assert "Sample 1" not in texts(app)
    app.button(key="sample-2").click().run()
    assert "Sample 2" in texts(app)
    back = next(button for button in app.button if button.label == "Back to my images")
    back.click().run()
    assert "000.png" in texts(app)


def test_without_the_dataset_there_are_no_samples_and_one_sentence(tuned: Run, open_page, monkeypatch) -> None:
    monkeypatch.setattr("brainseg.app.diagnose.samples.image_file", lambda run, path: Path("/gone") / path)
    model_cache.predictor(tuned.id)
    app = open_page("diagnose")
    assert "there are no samples" in texts(app)
    assert not [button for button in app.button if button.key.startswith("sample-")]

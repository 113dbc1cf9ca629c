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
from brainseg.app.diagnose.cases import MOST_FILES, NO_SAMPLES
from brainseg.app.diagnose.ground_truth import training_membership
from brainseg.app.diagnose.members import Member
from brainseg.app.diagnose.samples import RULE, known
from brainseg.cli.app import app as command_line
from brainseg.diagnosis.calibrated import write_value
from brainseg.diagnosis.doubts import UNCERTAIN
from brainseg.diagnosis.heatmap_measurement import HEATMAPS
from brainseg.diagnosis.images import CAPTION
from brainseg.diagnosis.methods import heatmap_title
from brainseg.diagnosis.outcome_words import NOT_CERTAIN
from brainseg.diagnosis.pointing import NOT_MEASURED, pointing_sentence, summarise
from brainseg.diagnosis.words import evaluation_sentence
from brainseg.files import write_json
from brainseg.limits import RateLimit
from brainseg.operations import metrics
from brainseg.results.run_images import read_image
from brainseg.runs import Run, RunStore
from brainseg.scans import read_scan
from tests.app.diagnose_pages import (
    answered_on_page,
    answers,
    images,
    page,
    pictures,
    put_in,
    remarks_on,
    sample_of,
    texts,
)
from tests.app.page_text import message, plain

__all__ = ["images", "page"]

NOTES = ("notes.png", b"no image at all")


def split_table(run: Run):
    from brainseg.results.stored_results import split

    return split(RunStore(), run)


# ------------------------------------------------------------------------------------------------- one image


def test_an_image_is_answered_as_the_predictor_answers(page, tuned: Run, images) -> None:
    app = put_in(page, images[0])
    expected = model_cache.predictor(tuned.id).diagnose(read_scan(images[0]))
    decision = f"{expected.label} · {write_value(expected.probabilities[expected.label])}"
    certain = expected.outcome != UNCERTAIN
    assert app.header[0].value.replace("\\", "") == (decision if certain else NOT_CERTAIN)
    said = texts(app)
    assert decision in said
    assert expected.sentence in said
    assert expected.heatmap_title in said
    assert CAPTION in said
    assert evaluation_sentence(model_cache.description(tuned.id)[0].validation) in said
    assert f"tuned ({model_cache.description(tuned.id)[1]})" in said
    assert expected.certainty.sentences[0] in said
    assert answered_on_page(app)
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
    printed = json.loads(done.stdout)[0]
    (answer,) = answers(page)
    assert printed["label"] == answer.label
    assert printed["probabilities"] == pytest.approx(answer.probabilities, abs=1e-6)
    assert printed["model"] == answer.model


def test_opacity_changes_the_overlay_alone_and_asks_no_model(page, images, monkeypatch) -> None:
    app = put_in(page, images[0])
    before = {caption: pictures(app, caption) for caption in ("Image", "Heatmap", "Overlay")}
    monkeypatch.setattr(diagnose_answers, "diagnose_with", None)
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


@pytest.mark.parametrize("finished_home", ["whole_template"], indirect=True)
def test_class_method_and_layer_can_be_chosen(page, images) -> None:
    app = put_in(page, images[0])
    label, maps = answers(app)[0].label, set(pictures(app, "Heatmap"))
    other = "no" if label == "yes" else "yes"
    app.selectbox(key="explain").select(other).run()
    assert heatmap_title(other, ("grad-cam", 4)) in texts(app)
    for method in ("grad-cam++", "eigen-cam", "score-cam"):
        app.selectbox(key="layer-4").select(2)
        app.selectbox(key="method").select(method).run()
        assert (answers(app)[-1].explained, answers(app)[-1].method, answers(app)[-1].stage) == (other, method, 2)
        assert heatmap_title(other, (method, 2)) in texts(app)
        maps |= set(pictures(app, "Heatmap"))
    assert len(maps) >= 4
    assert {answer.label for answer in answers(app)} == {label}
    layers = app.selectbox(key="layer-4").options
    assert [name in option for name, option in zip(("layer4", "layer3", "layer2", "layer1"), layers[1:], strict=True)]


def test_an_image_that_was_learnt_from_proves_nothing_and_one_that_was_held_out_is_said_to_be(page, tuned, tiny_set):
    table = split_table(tuned)
    for side in ("train", "valid"):
        row = table[table["split"] == side].iloc[0]
        app = put_in(page, tiny_set / row["path"])
        scan = read_scan(tiny_set / row["path"])
        label, membership = remarks_on(app, scan, tuned)
        assert {label, membership} <= set(plain([*app.info, *app.warning]))
        assert known(tuned, scan.sha256).label == row["label"]
        assert f" {row['label']}." in label
        (remark,) = training_membership([(Member.of(tuned), known(tuned, scan.sha256))])
        assert (remark.sentence, remark.alarming) == (membership, side == "train")
        assert (membership in plain(app.warning)) == (side == "train")


def test_the_page_says_how_often_the_heatmap_finds_the_tumour(page, tuned, images, tmp_path) -> None:
    assert NOT_MEASURED in texts(put_in(page, images[0]))
    found = summarise([(np.eye(2), np.eye(2)), (1 - np.eye(2), np.eye(2))], "grad-cam", 4).to_dict()
    write_json(tmp_path / HEATMAPS, found)
    RunStore().log_file(tuned.id, tmp_path / HEATMAPS)
    st.cache_data.clear()
    app = put_in(page, images[0])
    assert pointing_sentence(found) in texts(app)
    assert "1 of 2 " in pointing_sentence(found)
    assert RULE in texts(app)


# ------------------------------------------------------------------------------------------------- several images


def test_a_bad_file_gets_one_sentence_beside_the_good_ones(page, images) -> None:
    app = put_in(page, *images, NOTES)
    (error,) = app.error
    reason = message(read_scan, NOTES[1], NOTES[0])
    assert error.value.replace("\\", "") == reason
    assert len(answers(app)) == 3
    (table,) = (table.value for table in app.dataframe)
    assert table["File"].tolist() == ["000.png", "001.png", "002.png", "notes.png"]
    assert table["Remark"].iloc[3] == reason
    labels = [answer.label for answer in answers(app)]
    assert table["Decision"].tolist() == [*labels, ""]
    assert {button.key for button in app.download_button} >= {"diagnosis.csv", "report.pdf", "diagnosis.zip"}


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
    assert any(f"{MOST_FILES + 1} " in text and f" {MOST_FILES} " in text for text in plain(app.warning))
    assert len(app.dataframe[0].value) == MOST_FILES


def test_images_that_are_put_in_are_never_written(page, images, finished_home: Path) -> None:
    before = {file for file in finished_home.rglob("*") if file.is_file()}
    put_in(page, *images)
    log = finished_home / "monitoring.sqlite"  # hashes and outcomes, see `monitoring`
    assert {file for file in finished_home.rglob("*") if file.is_file()} - before == {log}
    for image in images:
        assert image.name.encode() not in log.read_bytes()
        assert image.read_bytes()[100:150] not in log.read_bytes()


# ------------------------------------------------------------------------------------------------- samples


def test_a_sample_tells_its_label_with_the_answer_and_not_before(page, tuned: Run) -> None:
    assert not [*page.info, *page.warning]
    buttons = [button for button in page.button if button.key.startswith("sample-")]
    seen = set()
    for button in buttons:
        app = page.button(key=button.key).click().run()
        assert not app.exception
        member, sample = sample_of(app)
        assert sample.held_out
        found = remarks_on(app, read_image(member.run, sample.path, sample.sha256), tuned)
        assert set(found) <= set(plain([*app.info, *app.warning]))
        assert f" {sample.label}." in found[0]
        assert found[1:] == [training_membership([(member, sample)])[0].sentence]
        seen.add(sample.label)
    assert seen == {"no", "yes"}, "each class has a sample"


def test_an_image_put_in_replaces_the_sample_and_the_other_way_round(page, images) -> None:
    app = page.button(key="sample-1").click().run()
    assert "Sample 1" in texts(app)
    put_in(app, images[0])
    assert "000.png" in texts(app)
    assert "Sample 1" not in texts(app)
    app.button(key="sample-2").click().run()
    assert "Sample 2" in texts(app)
    app.button(key="back-to-uploads").click().run()
    assert "000.png" in texts(app)


def test_without_the_dataset_there_are_no_samples_and_one_sentence(tuned: Run, open_page, monkeypatch) -> None:
    monkeypatch.setattr("brainseg.app.diagnose.samples.image_file", lambda run, path: Path("/gone") / path)
    model_cache.predictor(tuned.id)
    app = open_page("diagnose")
    assert NO_SAMPLES in plain(app.caption)
    assert not [button for button in app.button if button.key.startswith("sample-")]


def test_a_limit_on_answers_keeps_those_that_were_given(page, images, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        metrics, "ANSWERS_A_MINUTE", RateLimit("BRAINSEG_MAX_ANSWERS_PER_MINUTE", 60, "answers a minute")
    )
    monkeypatch.setenv("BRAINSEG_MAX_ANSWERS_PER_MINUTE", "1")
    app = put_in(page, images[0], images[1])
    assert len(answers(app)) == 1
    assert "The limit of 1 for answers a minute is reached" in texts(app)
    monkeypatch.delenv("BRAINSEG_MAX_ANSWERS_PER_MINUTE")
    assert len(answers(app.run())) == 2

from __future__ import annotations

import copy
import gc
import warnings
from dataclasses import replace

import cv2
import numpy as np
import pandas as pd
import psutil
import pytest
import torch
from PIL import Image

from brainseg.config import PreparationConfig
from brainseg.diagnosis.calibrated import write_value
from brainseg.diagnosis.predictor import Predictor
from brainseg.errors import BundleError
from brainseg.evaluation.predictions import predict_logits, prediction_table
from brainseg.preparation import prepare
from brainseg.preparation.cache import PreparedImages
from brainseg.scans import Scan, read_scan
from tests.diagnosis.conftest import draw_head
from tests.models.conftest import make_classifier

SETTINGS = (
    PreparationConfig(size=64),
    PreparationConfig(size=72, contrast="clahe", denoise="median", normalise="per-image"),
    PreparationConfig(size=64, crop=False, resize="squash", contrast="stretch"),
)
MEMORY = 50 * 2**20


def evaluated(predictor: Predictor, scans: list[Scan]) -> pd.DataFrame:
    """The table of predictions that an evaluation of these scans would store."""
    settings, classes = predictor.description.preparation, predictor.description.classes
    prepared = [prepare(scan.pixels, settings) for scan in scans]
    geometries = np.array([one.geometry.numbers() for one in prepared], dtype=np.int32)
    images = PreparedImages(np.stack([one.pixels for one in prepared]), np.arange(len(scans)), geometries)
    logits = predict_logits(predictor.bundle.model, images, range(len(scans)), settings.normalise)
    rows = pd.DataFrame({"path": [scan.name for scan in scans], "group": "", "label": classes[0]})
    return prediction_table(rows, logits, classes)


# ------------------------------------------------------------------------------------------- the same answer everywhere


@pytest.mark.parametrize("settings", SETTINGS)
def test_probabilities_are_those_of_the_evaluation(settings, classifier, make_predictor, scans):
    predictor = make_predictor(classifier(), preparation=settings)
    table = evaluated(predictor, scans)
    for scan, row in zip(scans, table.to_dict(orient="records"), strict=True):
        diagnosis = predictor.diagnose(scan)
        assert diagnosis.probabilities == pytest.approx({"no": row["p_no"], "yes": row["p_yes"]}, abs=1e-5)
        assert diagnosis.label == row["prediction"]
    assert np.ptp(table["p_yes"]) > 1e-3, "the scans give different answers"


@pytest.mark.parametrize(("arch", "head", "stages"), [("resnet34", "logistic", (2, 3)), ("resnet50", "svm", (2,))])
def test_baselines_answer_as_their_evaluation_does(arch, head, stages, classifier, make_predictor, scans):
    predictor = make_predictor(classifier(arch, head, stages), arch=arch, head=head)
    table = evaluated(predictor, scans)
    answers = [predictor.diagnose(scan).probabilities["yes"] for scan in scans]
    np.testing.assert_allclose(answers, table["p_yes"], rtol=0, atol=1e-5)


def test_an_answer_does_not_depend_on_those_before_it(predictor, scans):
    first = predictor.diagnose(scans[0])
    for scan in scans[1:]:
        predictor.diagnose(scan)
    again = predictor.diagnose(scans[0])
    assert again.probabilities == pytest.approx(first.probabilities, abs=1e-6)
    np.testing.assert_allclose(again.heatmap, first.heatmap, rtol=0, atol=1e-6)


def test_a_bundle_opened_twice_gives_the_same_answer(classifier, make_predictor, scans):
    model = classifier("resnet18", "logistic", (2, 3))
    one, other = make_predictor(model, head="logistic"), make_predictor(model, head="logistic")
    answers = [each.diagnose(scans[0]).probabilities for each in (one, other)]
    assert answers[0] == pytest.approx(answers[1], abs=1e-6)


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 0, 2)])
@pytest.mark.parametrize("head", ["concat-pool", "logistic"])
def test_the_order_of_the_classes_does_not_matter(head, order, make_predictor, scans):
    names, model = ("glioma", "meningioma", "none"), make_classifier("resnet18", head, (1, 2), classes=3)
    permuted = copy.deepcopy(model)
    with torch.no_grad():
        for name, parameter in permuted.head[-1].named_parameters():
            parameter.copy_(getattr(model.head[-1], name)[list(order)])
    one = make_predictor(model, names, head=head)
    other = make_predictor(permuted, tuple(names[index] for index in order), head=head)
    for scan in scans[:2]:
        answer, same = one.diagnose(scan), other.diagnose(scan)
        assert same.probabilities == pytest.approx(answer.probabilities, abs=1e-6)
        assert same.label == answer.label
        for name in names:
            np.testing.assert_allclose(other.diagnose(scan, name).cam, one.diagnose(scan, name).cam, rtol=0, atol=1e-5)


# ------------------------------------------------------------------------------------------------- what an answer holds


def test_answer_names_label_probabilities_and_model(predictor, scans):
    diagnosis = predictor.diagnose(scans[0])
    assert list(diagnosis.probabilities) == ["no", "yes"]
    assert sum(diagnosis.probabilities.values()) == pytest.approx(1)
    assert diagnosis.label == max(diagnosis.probabilities, key=diagnosis.probabilities.get)
    assert diagnosis.model == predictor.name == f"a run ({predictor.bundle.digest[:12]})"
    assert diagnosis.seconds > 0
    score = write_value(diagnosis.probabilities[diagnosis.label])
    decision = f"{diagnosis.model} predicts {diagnosis.label} with a score of {score} (not calibrated)."
    assert diagnosis.sentence == decision


def test_the_predicted_class_is_explained_by_default(predictor, scans):
    diagnosis = predictor.diagnose(scans[0])
    assert diagnosis.explained == diagnosis.label
    np.testing.assert_allclose(predictor.diagnose(scans[0], diagnosis.label).cam, diagnosis.cam, rtol=0, atol=1e-6)


def test_another_class_can_be_explained_without_changing_the_answer(make_predictor, classifier, scans):
    predictor = make_predictor(classifier("resnet18", "logistic", (2, 3)), head="logistic")
    answers = {name: predictor.diagnose(scans[0], name) for name in ("no", "yes")}
    assert {name: answer.explained for name, answer in answers.items()} == {"no": "no", "yes": "yes"}
    assert answers["no"].probabilities == pytest.approx(answers["yes"].probabilities, abs=1e-6)
    assert answers["no"].label == answers["yes"].label
    assert not np.allclose(answers["no"].cam, answers["yes"].cam)


@pytest.mark.parametrize("wrong", ["maybe", "", "YES", "0"])
def test_a_class_that_the_model_does_not_know_is_refused(wrong, predictor, scans):
    with pytest.raises(ValueError, match=r"one of \['no', 'yes'\]") as caught:
        predictor.diagnose(scans[0], wrong)
    assert repr(wrong) in str(caught.value)


@pytest.mark.parametrize("settings", SETTINGS)
def test_heatmap_lies_on_the_scan_and_is_zero_outside_the_crop(settings, classifier, make_predictor, scans):
    predictor = make_predictor(classifier("resnet18", "logistic", (2, 3)), head="logistic", preparation=settings)
    for scan in scans:
        diagnosis = predictor.diagnose(scan)
        geometry = prepare(scan.pixels, settings).geometry
        assert diagnosis.heatmap.shape == scan.pixels.shape[:2]
        assert diagnosis.heatmap.dtype == diagnosis.cam.dtype == np.float32
        assert diagnosis.cam.shape == (settings.size, settings.size)
        assert (diagnosis.cam.min(), diagnosis.cam.max()) == (0, 1)
        inside = np.zeros(diagnosis.heatmap.shape, dtype=bool)
        top, left, height, width = geometry.box
        inside[top : top + height, left : left + width] = True
        assert not diagnosis.heatmap[~inside].any()
        assert inside.all() != settings.crop
        assert 0.9 < diagnosis.heatmap.max() <= 1
        top, left, height, width = geometry.inner
        part = diagnosis.cam[top : top + height, left : left + width]
        expected = cv2.resize(part, geometry.box[:1:-1]).ravel()
        np.testing.assert_array_equal(diagnosis.heatmap[inside], expected)


@pytest.mark.parametrize("shape", [(1, 1), (1, 300), (300, 2), (64, 64), (517, 233)])
def test_any_shape_of_scan_is_answered(shape, predictor, scans):
    pixels = np.random.default_rng(0).integers(0, 256, (*shape, 3), dtype=np.uint8)
    pixels.flags.writeable = False
    diagnosis = predictor.diagnose(replace(scans[0], pixels=pixels))
    assert diagnosis.heatmap.shape == shape
    assert np.isfinite(diagnosis.heatmap).all()


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_scan_of_one_value_is_answered_without_a_warning(value, predictor, scans):
    pixels = np.full((64, 64, 3), value, dtype=np.uint8)
    pixels.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        diagnosis = predictor.diagnose(replace(scans[0], pixels=pixels))
    assert np.isfinite([*diagnosis.probabilities.values(), diagnosis.heatmap.sum()]).all()


# ---------------------------------------------------------------------------------------------------------- the machine


def test_opening_a_folder_without_a_bundle_is_the_users_error(tmp_path):
    with pytest.raises(BundleError, match="contains no model bundle"):
        Predictor.open(tmp_path)


def test_memory_does_not_grow_with_the_number_of_scans(predictor, scans):
    process = psutil.Process()
    for scan in scans * 2:
        predictor.diagnose(scan)
    gc.collect()
    before = process.memory_info().rss
    for scan in scans * 12:
        predictor.diagnose(scan)
    gc.collect()
    assert process.memory_info().rss - before < MEMORY


def test_a_model_of_the_first_preparation_answers_deep_images_as_it_did(predictor, tmp_path):
    values = draw_head(1).astype(np.uint16) * 8
    values[0, 0] = 65535  # makes everything else black if there is no window
    Image.fromarray(values).save(tmp_path / "hot.png")
    Image.fromarray(draw_head(1)).save(tmp_path / "plain.png")
    hot, plain = read_scan(tmp_path / "hot.png"), read_scan(tmp_path / "plain.png")
    description = predictor.description.model_copy(update={"preparation_version": 1})
    old = copy.copy(predictor)
    old.bundle = replace(predictor.bundle, description=description)
    black = replace(plain, pixels=hot.pixels_of(1))
    assert old.diagnose(hot).probabilities == predictor.diagnose(black).probabilities
    assert old.diagnose(plain).probabilities == predictor.diagnose(plain).probabilities
    now, expected = (predictor.diagnose(scan).probabilities["yes"] for scan in (hot, plain))
    assert abs(now - expected) < abs(old.diagnose(hot).probabilities["yes"] - expected)

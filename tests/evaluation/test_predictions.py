from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import log_loss

from brainseg.evaluation.predictions import BATCH, predict_logits, prediction_table, save_predictions
from brainseg.models.inputs import normalise, to_batch
from brainseg.preparation import Geometry
from brainseg.preparation.cache import PreparedImages
from tests.models.conftest import make_classifier

CLASSES = ("glioma", "no tumour", "pituitary")
COUNT = 2 * BATCH + 6


@pytest.fixture(scope="module")
def model():
    return make_classifier("resnet18", "concat-pool", (1, 2), classes=3)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> PreparedImages:
    """More than two batches of images, memory-mapped read-only as in the cache; two rows have the same pixels."""
    file: Path = tmp_path_factory.mktemp("cache") / "images.npy"
    np.save(file, np.random.default_rng(0).integers(0, 256, (COUNT - 1, 32, 32, 3), dtype=np.uint8))
    whole = Geometry((32, 32), (0, 0, 32, 32), (0, 0, 32, 32))
    rows, geometries = np.array([*range(COUNT - 1), 3]), np.array([whole.numbers()] * (COUNT - 1), dtype=np.int32)
    return PreparedImages(np.load(file, mmap_mode="r"), rows, geometries)


def rows_of(labels: list[str]) -> pd.DataFrame:
    names = [f"{number}.png" for number in range(len(labels))]
    return pd.DataFrame({"path": names, "group": [f"patient {name}" for name in names], "label": labels})


# --------------------------------------------------------------------------------------------------------------- logits


@pytest.mark.parametrize("method", ["imagenet", "per-image"])
def test_logits_are_those_of_the_model_on_each_image_alone(method, model, images):
    logits = predict_logits(model, images, range(COUNT), method)
    with torch.no_grad():
        alone = torch.cat([model(normalise(to_batch(images[row][None].copy()), method)) for row in range(COUNT)])
    assert logits.shape == (COUNT, 3)
    assert logits.dtype == torch.float32
    torch.testing.assert_close(logits, alone, rtol=0, atol=1e-5)
    assert logits.std() > 0.1


@pytest.mark.parametrize("rows", [[5], [9, 2, 2, 40], [*range(BATCH)], [*range(COUNT - 1, -1, -1)]])
def test_rows_come_in_the_order_that_was_asked_for(rows, model, images):
    every = predict_logits(model, images, range(COUNT), "imagenet")
    torch.testing.assert_close(predict_logits(model, images, rows, "imagenet"), every[rows], rtol=0, atol=1e-5)


def test_row_numbers_may_be_an_array(model, images):
    assert predict_logits(model, images, np.flatnonzero([0, 1, 0, 1]), "imagenet").shape == (2, 3)


def test_equal_pixels_have_equal_logits(model, images):
    logits = predict_logits(model, images, [3, COUNT - 1], "imagenet")
    torch.testing.assert_close(logits[0], logits[1], rtol=0, atol=1e-5)


def test_progress_counts_up_to_all_images(model, images):
    reported = []
    predict_logits(model, images, range(COUNT), "imagenet", lambda *step: reported.append(step))
    assert reported == [(BATCH, COUNT), (2 * BATCH, COUNT), (COUNT, COUNT)]


def test_model_is_left_in_evaluation_mode_and_unchanged(model, images):
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.train()
    logits = predict_logits(model, images, range(4), "imagenet")
    assert not any(module.training for module in model.modules())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not logits.requires_grad
    assert torch.is_grad_enabled()


def test_read_only_images_cause_no_warning(model, images):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        predict_logits(model, images, range(2), "imagenet")


# ---------------------------------------------------------------------------------------------------------------- table


def test_table_agrees_with_scikit_learn_and_torch():
    torch.manual_seed(0)
    logits, codes = 3 * torch.randn(50, 3), torch.randint(0, 3, (50,))
    table = prediction_table(rows_of([CLASSES[code] for code in codes]), logits, CLASSES)
    scores = table[[f"p_{name}" for name in CLASSES]].to_numpy()
    np.testing.assert_allclose(scores, torch.softmax(logits.double(), 1), rtol=1e-12)
    np.testing.assert_allclose(scores.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_allclose(table["loss"].mean(), log_loss(codes, scores, labels=[0, 1, 2]), rtol=1e-9)
    np.testing.assert_allclose(
        table["loss"], torch.nn.functional.cross_entropy(logits.double(), codes, reduction="none"), rtol=1e-9
    )
    assert table["prediction"].tolist() == [CLASSES[code] for code in logits.argmax(dim=1)]


def test_table_has_a_row_for_each_image_whatever_its_index():
    rows = rows_of(["glioma", "pituitary", "glioma"]).iloc[[2, 1]]
    table = prediction_table(rows, torch.eye(3)[:2], CLASSES)
    assert list(table.columns) == ["path", "group", "label", "prediction", "loss", *(f"p_{name}" for name in CLASSES)]
    assert table["path"].tolist() == ["2.png", "1.png"]
    assert table["group"].tolist() == ["patient 2.png", "patient 1.png"]
    assert table["label"].tolist() == ["glioma", "pituitary"]
    assert table.index.tolist() == [0, 1]


@pytest.mark.parametrize("scale", [1e2, 1e4, 1e30])
def test_extreme_logits_keep_a_finite_loss(scale):
    table = prediction_table(rows_of(["glioma", "pituitary"]), scale * torch.eye(3)[[0, 0]], CLASSES)
    assert np.isfinite(table[["loss", *(f"p_{name}" for name in CLASSES)]].to_numpy()).all()
    assert table["loss"].tolist() == pytest.approx([0, scale], rel=1e-6, abs=1e-12)
    assert not np.signbit(table["loss"]).any(), "no minus zero"


@pytest.mark.parametrize("order", [(2, 0, 1), (1, 2, 0)])
def test_the_order_of_the_classes_does_not_matter(order):
    torch.manual_seed(1)
    logits, rows = torch.randn(20, 3), rows_of([CLASSES[number % 3] for number in range(20)])
    table = prediction_table(rows, logits, CLASSES)
    permuted = prediction_table(rows, logits[:, list(order)], [CLASSES[index] for index in order])
    pd.testing.assert_frame_equal(permuted[table.columns], table)


@pytest.mark.parametrize("label", ["meningioma", "", "Glioma"])
def test_a_label_that_is_no_class_is_refused(label):
    with pytest.raises(ValueError, match=r"not in \['glioma'") as caught:
        prediction_table(rows_of(["glioma", label]), torch.eye(3)[:2], CLASSES)
    assert repr(label) in str(caught.value)


@pytest.mark.parametrize("count", [2, 4])
def test_logits_of_other_images_are_refused(count):
    with pytest.raises((ValueError, IndexError)):
        prediction_table(rows_of(["glioma"] * 3), torch.ones(count, 3), CLASSES)


def test_saved_table_reads_back_unchanged(tmp_path):
    table = prediction_table(rows_of(["glioma", "no tumour", "pituitary"]), torch.randn(3, 3), CLASSES)
    file = tmp_path / "folder" / "predictions.parquet"
    save_predictions(table, file)
    pd.testing.assert_frame_equal(pd.read_parquet(file), table, check_dtype=False)
    assert pd.read_parquet(file)["loss"].dtype == np.float64
    assert [path.name for path in file.parent.iterdir()] == ["predictions.parquet"]

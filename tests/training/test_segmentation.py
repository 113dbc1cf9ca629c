from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from brainseg.diagnosis.segmenter import Segmenter
from brainseg.errors import DataError
from brainseg.evaluation.segmentation import dice, evaluate_masks, load_masks
from brainseg.evaluation.segmentation.counts import confusion, foreground_counts
from brainseg.models.bundle import load_bundle
from brainseg.scans import read_scan
from brainseg.tasks import task_of
from brainseg.tasks.segmentation.training import MaskMeter
from brainseg.training.log import TrainingCancelled
from brainseg.training.losses import pixel_loss
from brainseg.training.lr_finder import find_rate
from brainseg.training.setup import open_run
from brainseg.training.trainer import train

FIGURES = [
    "phase",
    "epoch",
    "train_loss",
    "valid_loss",
    "dice",
    "sensitivity",
    "specificity",
    "learning_rate",
    "seconds",
]


@pytest.fixture
def run(home: Path, tmp_path: Path, recorder):
    """Train into a separate folder and return (result, log, folder)."""

    def go(config, name="run", stop=lambda log: False):
        log = recorder(stop)
        return train(task_of(config), log, tmp_path / name, name), log, tmp_path / name

    return go


def curves(log) -> pd.DataFrame:
    return pd.DataFrame([epoch.to_dict() for epoch in log.epochs]).drop(columns="seconds")


def test_a_training_learns_and_leaves_everything_behind(run, mask_config, masked_set: Path) -> None:
    trained, log, folder = run(mask_config({"training.epochs": 6}))
    report = trained.report
    assert trained.headline == "dice"
    assert report.dice > 0.7
    assert log.epochs[-1].dice == pytest.approx(report.dice, abs=0.1)  # one on the square, the other on the scan
    assert log.epochs[0].accuracy is None
    assert list(pd.read_csv(folder / "epochs.csv").columns) == FIGURES
    stored = json.loads((folder / "evaluation.json").read_text())
    assert stored["dice"] == report.dice
    assert stored["evaluated_on"] == "valid"
    assert stored["rule"] == "skip"
    baselines = json.loads((folder / "baselines.json").read_text())
    assert baselines["all background"]["dice"] == 0
    assert 0 < baselines["Otsu"]["dice"] <= 1
    assert baselines["Otsu"]["slices"] == report.slices
    table = pd.read_parquet(folder / "slices.parquet")
    assert len(table) == report.slices == stored["slices"]
    assert evaluate_masks(table, ("background", "tumour"), "skip", 42).dice == report.dice
    split = pd.read_csv(folder / "split.csv")
    assert set(split[split["split"] == "valid"]["path"]) == set(table["path"])
    sides = split.groupby("group")["split"].nunique()
    assert (sides == 1).all()
    # The stored masks are the ones that were evaluated, in the table's order and on the scans' own grid.
    masks = load_masks(folder / "masks.npz")
    for row, path in enumerate(table["path"]):
        truth = (np.array(Image.open(masked_set / path.replace("images", "masks"))) > 0).astype(np.uint8)
        assert masks[row].shape == truth.shape == (72, 72)
        counts = foreground_counts(confusion(truth, masks[row], 2))
        assert [int(count) for count in counts] == table.loc[row, ["tp", "fp", "fn", "tn"]].tolist()


def test_the_bundle_marks_what_the_evaluation_marked(run, mask_config, masked_set: Path) -> None:
    _, _, folder = run(mask_config())
    table, masks = pd.read_parquet(folder / "slices.parquet"), load_masks(folder / "masks.npz")
    segmenter = Segmenter.open(folder / "bundle")
    for row in range(len(table)):
        found = segmenter.segment(read_scan(masked_set / table["path"].iloc[row]))
        assert (found.mask == masks[row]).mean() > 0.999
    description = load_bundle(folder / "bundle").description
    assert (description.task, description.head, description.classes) == ("segment", "u-net", ("background", "tumour"))
    assert description.validation["dice"] == evaluate_masks(table, description.classes).dice
    assert len(description.validation["dice_interval"]) == 2


def test_a_resumed_training_draws_the_uninterrupted_curves(run, mask_config) -> None:
    settings = mask_config({"training.learning_rate": "valley", "training.finder_steps": 20})
    whole, log, _ = run(settings, "whole")
    for epochs in (1, 2):
        name = f"stopped after {epochs}"
        with pytest.raises(TrainingCancelled):
            run(settings, name, stop=lambda log, epochs=epochs: len(log.epochs) >= epochs)
        resumed, _, folder = run(settings, name)
        stored = pd.read_csv(folder / "epochs.csv").drop(columns="seconds")
        pd.testing.assert_frame_equal(stored, curves(log), atol=1e-5)
        assert resumed.report.dice == pytest.approx(whole.report.dice, abs=1e-3)


@pytest.mark.parametrize(
    "settings",
    [
        {"training.loss": "dice", "training.balance": "sampling"},
        {"training.loss": "focal", "compute.precision": "bf16", "training.frozen_epochs": 0},
        {"training.loss": "cross-entropy", "model.self_attention": True, "model.stages": [3], "training.keep": "best"},
        {"evaluation.empty_masks": "one", "training.optimiser": "sgd", "preparation.normalise": "per-image"},
    ],
)
def test_every_choice_trains(run, mask_config, settings: dict) -> None:
    trained, log, _ = run(mask_config({"training.epochs": 1, **settings}))
    assert np.isfinite([epoch.train_loss for epoch in log.epochs]).all()
    assert trained.report.rule == settings.get("evaluation.empty_masks", "skip")


def test_masks_of_three_classes_are_learnt_class_by_class(run, mask_config, masked_set: Path, tmp_path: Path) -> None:
    data = shutil.copytree(masked_set, tmp_path / "three")
    for file in (data / "masks").iterdir():
        mask = np.array(Image.open(file))
        mask[:, : mask.shape[1] // 2] //= 2
        Image.fromarray(mask).save(file)
    (data / "classes.csv").write_text("value,name\n127,left\n255,right\n")
    trained, _, folder = run(mask_config({"data.path": str(data), "training.epochs": 1}))
    assert load_bundle(folder / "bundle").description.classes == ("background", "left", "right")
    assert trained.report.matrix.shape == (3, 3)
    assert {"left", "right"} <= set(trained.report.per_class)


def test_a_unet_starts_from_a_classifier(run, config, mask_config) -> None:
    _, _, folder = run(config({"training.epochs": 1}), "classifier")
    log_weights = folder / "bundle" / "model.safetensors"
    settings = mask_config(
        {
            "model.weights": str(log_weights),
            "model.stages": None,
            "training.epochs": 1,
            "training.learning_rate": 0.001,
        }
    )
    _, log, _ = run(settings, "unet")
    assert any("every stage works as trained" in sentence for sentence in log.sentences)


def test_new_layers_learn_first_and_pretrained_ones_slowly(
    home, mask_config, recorder, tmp_path, partial_weights
) -> None:
    file = partial_weights("resnet18")
    settings = mask_config({"model.weights": str(file), "model.stages": None})
    context = open_run(task_of(settings), recorder(), tmp_path)
    assert context.model.body.stages == (3,)
    early, late, new = context.parameter_groups()
    assert {id(p) for p in new} == {id(p) for p in context.model.head.parameters()}
    assert {id(p) for p in late} == {id(p) for p in context.model.body.layer3.parameters()}
    assert len(early) > 0


def test_the_finder_leaves_the_model_alone(home, mask_config, recorder, tmp_path) -> None:
    settings = mask_config({"training.finder_steps": 20, "model.self_attention": True, "model.stages": [3]})
    context = open_run(task_of(settings), recorder(), tmp_path)
    before = {name: value.clone() for name, value in context.model.state_dict().items()}
    curve, suggestion = find_rate(context)
    assert all(value.equal(before[name]) for name, value in context.model.state_dict().items())
    assert len(curve) > 5
    assert suggestion > 0


def test_a_folder_without_masks_is_refused_in_a_sentence(run, mask_config, tiny_set: Path) -> None:
    with pytest.raises(DataError) as caught:
        run(mask_config({"data.path": str(tiny_set)}))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_meter_judges_batches_as_one(classes: int) -> None:
    random = torch.Generator().manual_seed(classes)
    logits = torch.randn(5, classes, 8, 8, generator=random)
    targets = torch.randint(0, classes, (5, 8, 8), generator=random)
    meter = MaskMeter(pixel_loss("auto"), classes)
    meter.add(logits[:2], targets[:2])
    meter.add(logits[2:], targets[2:])
    found, predicted = meter.metrics(), logits.argmax(dim=1)
    tumour, called = targets > 0, predicted > 0
    hit = (tumour & (predicted == targets)).sum() if classes == 2 else (tumour & called).sum()
    assert found["dice"] == pytest.approx(float(2 * hit / (tumour.sum() + called.sum())))
    assert found["sensitivity"] == pytest.approx(float(hit / tumour.sum()))
    assert found["valid_loss"] == pytest.approx(float(pixel_loss("auto")(logits, targets)), rel=1e-5)


def test_a_meter_without_tumour_has_no_dice() -> None:
    meter = MaskMeter(pixel_loss("auto"), 2)
    meter.add(torch.tensor([5.0, -5.0]).view(1, 2, 1, 1).expand(1, 2, 4, 4), torch.zeros((1, 4, 4), dtype=torch.int64))
    assert np.isnan(meter.metrics()["dice"])
    assert np.isnan(dice(foreground_counts(meter.matrix)))


def test_soft_masks_are_learnt_from_their_half_way_line_on(run, mask_config, masked_set: Path, tmp_path: Path) -> None:
    soft = shutil.copytree(masked_set, tmp_path / "soft")
    for file in (soft / "masks").glob("*.png"):
        with Image.open(file) as mask:
            mask.convert("L").save(file.with_suffix(".jpg"), quality=60)
        file.unlink()
    with pytest.raises(DataError, match=r"20 of 40 masks are soft, .*--set data\.mask_threshold=128"):
        run(mask_config({"data.path": str(soft)}), "refused")
    trained, _, folder = run(mask_config({"data.path": str(soft), "data.mask_threshold": 128}))
    assert json.loads((folder / "evaluation.json").read_text())["mask_threshold"] == 128
    assert json.loads((folder / "dataset.json").read_text())["masks"]["threshold"] == 128
    assert load_bundle(folder / "bundle").description.validation["mask_threshold"] == 128
    table, truths = pd.read_parquet(folder / "slices.parquet"), load_masks(folder / "truth.npz")
    for row, path in enumerate(table["path"]):
        sharp = np.asarray(Image.open(masked_set / path.replace("images", "masks"))) > 0
        assert (truths[row].astype(bool) == sharp).mean() > 0.995
    found = Segmenter.open(folder / "bundle").segment(read_scan(soft / table["path"].iloc[0]))
    assert found.mask.shape == truths[0].shape
    assert trained.headline == "dice"

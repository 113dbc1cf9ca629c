from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from brainseg.errors import TrainingError
from brainseg.models.bundle import load_bundle
from brainseg.tasks import task_of
from brainseg.training.log import TrainingCancelled
from brainseg.training.trainer import train
from tests.conftest import write_set


@pytest.fixture
def run(home: Path, tmp_path: Path, recorder):
    """Train into a separate folder and return (result, log, folder)."""

    def go(config, name="run", stop=lambda log: False):
        log = recorder(stop)
        return train(task_of(config), log, tmp_path / name, name), log, tmp_path / name

    return go


def curves(log) -> pd.DataFrame:
    return pd.DataFrame([epoch.to_dict() for epoch in log.epochs]).drop(columns="seconds")


def test_a_training_learns_and_leaves_everything_behind(run, config) -> None:
    whole = {"model.stages": None, "training.epochs": 4, "training.learning_rate": 0.002}
    trained, log, folder = run(config(whole))
    assert [epoch.phase for epoch in log.epochs] == ["frozen", *["unfrozen"] * 4]
    assert [epoch.epoch for epoch in log.epochs] == [1, 2, 3, 4, 5]
    assert trained.report.count == 12
    assert trained.report.accuracy >= 0.9
    assert {path.name for path in folder.iterdir()} >= {
        "config.yaml", "dataset.json", "split.csv", "weights.json", "epochs.csv",
        "predictions.parquet", "hardest.csv", "evaluation.json", "bundle",
    }  # fmt: skip
    stored = json.loads((folder / "evaluation.json").read_text())
    assert stored["accuracy"] == trained.report.accuracy
    assert stored["evaluated_on"] == "valid"
    predictions = pd.read_parquet(folder / "predictions.parquet")
    assert list(predictions.columns) == ["path", "group", "label", "prediction", "loss", "p_no", "p_yes"]
    assert len(pd.read_csv(folder / "hardest.csv")) == 6


@pytest.mark.parametrize(("precision", "tolerance"), [("fp32", 1e-4), ("bf16", 0.05)])
def test_the_last_epoch_and_the_evaluation_agree(run, config, precision: str, tolerance: float) -> None:
    trained, log, _ = run(config({"compute.precision": precision}))
    assert trained.report.mean_loss == pytest.approx(log.epochs[-1].valid_loss, rel=tolerance)
    if precision == "fp32":  # in bfloat16, an image close to the limit may change its class
        assert trained.report.accuracy == log.epochs[-1].accuracy


def test_the_same_seed_gives_the_same_curves_and_another_does_not(run, config) -> None:
    settings = {"training.mixup": 0.4, "training.balance": "sampling"}
    first, again = run(config(settings), "a"), run(config(settings), "b")
    other = run(config({**settings, "training.seed": 7}), "c")
    pd.testing.assert_frame_equal(curves(first[1]), curves(again[1]))
    assert first[0].report.mean_loss == again[0].report.mean_loss
    assert curves(first[1])["train_loss"].tolist() != curves(other[1])["train_loss"].tolist()


def test_a_resumed_training_draws_the_uninterrupted_curves(run, config) -> None:
    settings = config({"training.learning_rate": "valley", "training.finder_steps": 20})
    whole, log, _ = run(settings, "whole")
    for epochs in (1, 2):
        name = f"stopped after {epochs}"
        with pytest.raises(TrainingCancelled):
            run(settings, name, stop=lambda log, epochs=epochs: len(log.epochs) >= epochs)
        resumed, second, folder = run(settings, name)
        assert any("Resuming" in sentence for sentence in second.sentences)
        assert (folder / "learning_rate.json").is_file()
        stored = pd.read_csv(folder / "epochs.csv").drop(columns="seconds")
        pd.testing.assert_frame_equal(stored, curves(log), atol=1e-5)
        assert resumed.report.mean_loss == pytest.approx(whole.report.mean_loss, rel=1e-4)


def test_resuming_a_finished_training_trains_nothing_more(run, config) -> None:
    first, _, folder = run(config())
    again, _, _ = run(config())
    assert again.report.mean_loss == first.report.mean_loss
    assert len(pd.read_csv(folder / "epochs.csv")) == 3


def test_a_cancelled_training_stops_within_a_batch(run, config) -> None:
    seen = []

    def stop(log) -> bool:
        batches = [step for step in log.steps if step.phase == "unfrozen"]
        seen.append(len(batches))
        return len(batches) >= 2

    with pytest.raises(TrainingCancelled):
        run(config(), stop=stop)
    assert seen[-1] == 2


def test_a_loss_that_is_no_number_ends_with_a_reason(run, config) -> None:
    with pytest.raises(TrainingError, match=r"loss became .* choose a lower training.learning_rate"):
        run(config({"training.learning_rate": 10.0, "training.optimiser": "sgd", "training.clip_norm": 0.0,
                    "training.epochs": 12, "training.batch_size": 2, "compute.precision": "fp32"}))  # fmt: skip


def test_early_stopping_keeps_the_best_epoch(run, config) -> None:
    _, log, folder = run(
        config(
            {
                "training.epochs": 12,
                "training.patience": 1,
                "training.keep": "best",
                "training.learning_rate": 0.05,
                "compute.precision": "fp32",
            }
        )
    )
    losses = [epoch.valid_loss for epoch in log.epochs]
    assert len(losses) < 13
    stored = json.loads((folder / "evaluation.json").read_text())
    assert stored["mean_loss"] == pytest.approx(min(losses), rel=1e-3)
    assert stored["selected_on_these_images"] is True


@pytest.mark.parametrize(
    "settings",
    [
        {"training.optimiser": "radam", "training.label_smoothing": 0.1},
        {"training.optimiser": "sgd", "training.balance": "weights"},
        {"compute.precision": "bf16", "training.frozen_epochs": 0},
        {"training.epochs": 0, "training.augmentation.flip": False, "training.augmentation.rotate": 0,
         "training.augmentation.translate": 0, "training.augmentation.scale": 0,
         "training.augmentation.brightness": 0, "training.augmentation.contrast": 0},
        {"model.stages": [2, 3], "preparation.normalise": "per-image", "training.batch_size": 500},
    ],
)  # fmt: skip
def test_every_choice_trains(run, config, settings: dict) -> None:
    trained, log, _ = run(config({"training.epochs": 1, **settings}))
    assert np.isfinite([epoch.train_loss for epoch in log.epochs]).all()
    assert trained.report.count == 12


def test_four_classes_work_the_same_way(run, config, tmp_path: Path) -> None:
    folder = write_set(tmp_path / "four", ("glioma", "meningioma", "notumor", "pituitary"), 10)
    trained, _, results = run(config({"data.path": str(folder)}))
    assert trained.report.matrix.shape == (4, 4)
    assert load_bundle(results / "bundle").description.positive is None


def test_a_resume_on_changed_data_is_refused(run, config, tmp_path: Path, tiny_set: Path) -> None:
    data = shutil.copytree(tiny_set, tmp_path / "data")
    settings = config({"data.path": str(data)})
    with pytest.raises(TrainingCancelled):
        run(settings, stop=lambda log: len(log.epochs) >= 1)
    (data / "yes" / "000.png").unlink()
    with pytest.raises(TrainingError, match="dataset or its patients have changed"):
        run(settings)


def test_a_resume_keeps_the_split_of_its_start(run, config, tmp_path: Path) -> None:
    with pytest.raises(TrainingCancelled):
        run(config(), stop=lambda log: len(log.epochs) >= 1)
    file = tmp_path / "run" / "split.csv"
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    rows = [table.index[(table["split"] == side) & (table["label"] == "yes")][0] for side in ("train", "valid")]
    table.loc[rows, "split"] = ["valid", "train"]  # as if the version that started the training had split like this
    table.to_csv(file, index=False)
    _, _, folder = run(config())
    assert pd.read_csv(file, dtype=str, keep_default_na=False).equals(table)
    evaluated = set(pd.read_parquet(folder / "predictions.parquet")["path"])
    assert evaluated == set(table.loc[table["split"] == "valid", "path"])


@pytest.mark.parametrize("damage", [lambda file: file.unlink(), lambda file: file.write_bytes(b"x" * 100)])
def test_a_damaged_checkpoint_is_refused(run, config, tmp_path: Path, damage) -> None:
    with pytest.raises(TrainingCancelled):
        run(config(), stop=lambda log: len(log.epochs) >= 1)
    (checkpoint,) = (tmp_path / "run" / "checkpoint").glob("epoch-*.safetensors")
    damage(checkpoint)
    with pytest.raises(TrainingError, match="missing or damaged"):
        run(config())


def test_copies_on_both_sides_are_counted(run, config, tmp_path: Path, tiny_set: Path) -> None:
    data = shutil.copytree(tiny_set, tmp_path / "data")
    for file in sorted((data / "yes").iterdir()):
        shutil.copy(file, file.with_name(f"copy-{file.name}"))
    for split, expected in (("grouped", False), ("random", True)):
        _, _, folder = run(config({"data.path": str(data), "data.split": split, "training.epochs": 1}), split)
        assert (json.loads((folder / "evaluation.json").read_text())["copies_in_training"] > 0) is expected


def test_a_training_that_diverges_ends_with_the_reason(run, config) -> None:
    with pytest.raises(TrainingError, match=r"diverged: its loss is .* guessing is 1: choose a .*learning_rate below"):
        run(config({"training.learning_rate": 10, "compute.precision": "fp32", "training.clip_norm": 0}))


def test_a_model_with_one_answer_is_marked_and_a_good_one_is_not(run, config) -> None:
    settings = {"training.learning_rate": 1e-9, "training.epochs": 1, "training.frozen_epochs": 0}
    trained, _, folder = run(config(settings), "idle")
    predicted = trained.report.matrix.sum(axis=0)
    stored = json.loads((folder / "evaluation.json").read_text())
    assert stored["collapsed"] == (np.count_nonzero(predicted) == 1)
    assert load_bundle(folder / "bundle").description.validation["collapsed"] == stored["collapsed"]

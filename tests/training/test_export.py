"""The export at the end of a training."""

from __future__ import annotations

from pathlib import Path

import pytest

from brainseg.models.export.names import FOLDER
from brainseg.models.export.record import read_record
from brainseg.tasks import task_of
from brainseg.training import export
from brainseg.training.trainer import train


def test_a_training_exports_its_model_and_compares_it(home: Path, tmp_path: Path, recorder, config) -> None:
    settings = {"compute.export": "auto", "training.epochs": 1, "training.frozen_epochs": 0}
    trained = train(task_of(config(settings)), recorder(), tmp_path / "run", "fast")
    record = read_record(trained.bundle.parent / FOLDER)
    assert record.files.keys() >= {"model.xml", "model.bin"}
    assert record.check("openvino", "fp32").comparison.images == 12
    assert record.check("openvino", "fp32").comparison.passes("fp32")


@pytest.mark.parametrize("settings", [{"compute.export": "none"}, {"compute.export": "auto", "data.split": "k-fold"}])
def test_no_export_is_made_where_none_is_wanted(settings, config, monkeypatch, tmp_path: Path) -> None:
    class Context:
        pass

    context = Context()
    context.config = config(settings)
    monkeypatch.setattr(export, "export_bundle", lambda *given: pytest.fail("exported"))
    export.export_trained(context, tmp_path)


def test_a_training_keeps_its_model_if_the_export_fails(home: Path, tmp_path: Path, recorder, config, monkeypatch):
    def fail(*_: object) -> None:
        raise RuntimeError("no such operator")

    monkeypatch.setattr(export, "export_bundle", fail)
    settings = {"compute.export": "onnx", "training.epochs": 1, "training.frozen_epochs": 0}
    log = recorder()
    trained = train(task_of(config(settings)), log, tmp_path / "run", "kept")
    assert (trained.bundle / "bundle.json").exists()
    assert "The model was not exported for a faster runtime, so torch runs it: no such operator" in log.sentences

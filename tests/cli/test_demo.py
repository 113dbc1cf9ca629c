from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from brainseg.cli import demo
from brainseg.config import RunConfig
from brainseg.datasets.patient_messages import as_sentence
from brainseg.evaluation.caveats import caveats_of
from brainseg.jobs import workers
from brainseg.results.stored_results import evaluation
from brainseg.runs import ENDED, RunStore


def test_the_demo_trains_once_and_diagnoses_every_time(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole of `make demo`, on fewer and smaller slices."""
    small = {"training.epochs": 1, "preparation.size": 32, "compute.threads": 1}

    def smaller(full: Callable[[Path], RunConfig]) -> Callable[[Path], RunConfig]:
        def make(data: Path) -> RunConfig:
            config = full(data)
            sections = {"data.path": config.data.path, "model.arch": "resnet18", "model.weights": "none"}
            return RunConfig.from_preset(config.preset, {**sections, **small})

        return make

    monkeypatch.setattr(demo, "SLICES", 40)
    monkeypatch.setattr(workers, "IDLE", 2.0)
    monkeypatch.setattr(demo, "demo_config", smaller(demo.demo_config))
    monkeypatch.setattr(demo, "mask_config", smaller(demo.mask_config))
    demo.demo(dashboard=False)
    first = capsys.readouterr().out
    assert "diagnosis.png" in first
    assert "Research use only" in first
    assert "The hottest point of this model's heatmap lies inside the tumour on " in first
    written = {path.name for path in (home / "demo").iterdir()}
    assert {"diagnosis.png", "hardest.png", "confusion_matrix.html", "training_curves.html"} <= written
    store = RunStore()
    assert store.get("demo").status == "FINISHED"
    assert store.get("demo").queued < store.get("demo-mask").queued
    report = evaluation(store, store.get("demo"))
    assert report["synthetic"] == report["count"]
    assert as_sentence(caveats_of(report)[0].phrase) in first, "the metrics would be taken for those of patients"
    promoted = store.get("demo").promoted
    assert promoted, "a visitor's quick try would be offered first"
    demo.demo(dashboard=False)
    assert store.get("demo").promoted == promoted, "somebody's own choice would be overruled"
    assert {run.name for run in store.list()} == {"demo", "demo-mask"}
    while store.get("demo-mask").status not in ENDED:
        threading.Event().wait(0.2)
    marks = store.get("demo-mask")
    assert marks.status == "FINISHED", marks.reason
    assert marks.config.task == "segment"
    splits = [pd.read_csv(store.path(store.get(name).id, "split.csv")) for name in ("demo", "demo-mask")]
    sides = [dict(zip(table["sha256"], table["split"], strict=True)) for table in splits]
    assert sides[0] == sides[1], "what one of them learnt from proves nothing about the other either"

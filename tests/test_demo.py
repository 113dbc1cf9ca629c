from __future__ import annotations

from pathlib import Path

import pytest

from brainseg.cli import demo
from brainseg.config import RunConfig
from brainseg.jobs import queue
from brainseg.runs import RunStore


def test_the_demo_trains_once_and_diagnoses_every_time(
    home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The whole of `make demo`, on fewer and smaller slices."""
    full = demo.demo_config

    def smaller(data: Path) -> RunConfig:
        config = full(data)
        small = {"training.epochs": 1, "preparation.size": 32, "compute.threads": 1}
        return RunConfig.from_preset("demo", {"data.path": config.data.path, **small})

    monkeypatch.setattr(demo, "SLICES", 40)
    monkeypatch.setattr(queue, "IDLE", 2.0)
    monkeypatch.setattr(demo, "demo_config", smaller)
    demo.demo(dashboard=False)
    first = capsys.readouterr().out
    assert "diagnosis.png" in first
    assert "Research use only" in first
    written = {path.name for path in (home / "demo").iterdir()}
    assert {"diagnosis.png", "hardest.png", "confusion_matrix.html", "training_curves.html"} <= written
    demo.demo(dashboard=False)
    assert len(RunStore().list()) == 1

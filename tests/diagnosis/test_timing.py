from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

from brainseg.diagnosis.predictor import Predictor
from brainseg.diagnosis.timing import model_costs
from tests.diagnosis.conftest import draw_head
from tests.models.conftest import store


@pytest.fixture
def evaluated(tmp_path: Path, classifier) -> tuple[Path, Path]:
    """A run's results and its dataset, which has more images than are timed."""
    data, results = tmp_path / "data", tmp_path / "results"
    data.mkdir()
    names = [f"{seed}.png" for seed in range(7)]
    for seed, name in enumerate(names):
        Image.fromarray(draw_head(seed)).save(data / name)
    store(results / "bundle", classifier(), ("no", "yes"))
    pd.DataFrame({"path": names}).to_parquet(results / "predictions.parquet")
    return results, data


def costs_of(results: Path, data: Path) -> dict[str, float]:
    return model_costs(results, data, Predictor.open, "predictions.parquet")


def test_costs_are_those_of_the_stored_model(evaluated, classifier) -> None:
    results, data = evaluated
    costs = costs_of(results, data)
    assert costs["parameters"] == sum(parameter.numel() for parameter in classifier().parameters())
    assert costs["bundle_mb"] == (results / "bundle" / "model.safetensors").stat().st_size / 1e6
    assert costs["diagnosis_ms"] > 0


def test_a_manifest_names_its_folder(evaluated) -> None:
    results, data = evaluated
    (data / "manifest.csv").write_text("path,label\n")
    assert "diagnosis_ms" in costs_of(results, data / "manifest.csv")


def test_what_cannot_be_measured_is_left_out(evaluated, tmp_path: Path) -> None:
    results, data = evaluated
    (data / "3.png").unlink()
    assert set(costs_of(results, data)) == {"parameters", "bundle_mb"}
    assert costs_of(tmp_path / "nowhere", data) == {}

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainseg.diagnosis.predictor import Predictor
from brainseg.models.architectures import Classifier
from brainseg.scans import Scan, read_scan
from tests.models.conftest import classifier, images, make_classifier, store

__all__ = ["classifier", "images"]


def draw_head(seed: int, height: int = 110, width: int = 130) -> np.ndarray:
    """A textured grey disc off centre in a wide black border, so something is cropped."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    centre = np.array([height / 2, width / 2]) + random.uniform(-12, 12, 2)
    head = np.hypot(y - centre[0], x - centre[1]) < 34
    texture = 100 + 60 * np.sin(x / random.uniform(2, 9)) * np.cos(y / random.uniform(2, 9))
    return np.where(head, texture + random.normal(0, 20, head.shape), 0).clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="session")
def scans(tmp_path_factory: pytest.TempPathFactory) -> list[Scan]:
    """Five scans, read from files."""
    folder = tmp_path_factory.mktemp("scans")
    for seed in range(5):
        Image.fromarray(draw_head(seed)).save(folder / f"{seed}.png")
    return [read_scan(file) for file in sorted(folder.iterdir())]


@pytest.fixture(scope="session")
def make_predictor(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Predictor]:
    """Store a model as a bundle and open it; see `tests.models.conftest.store` for the facts."""

    def make(model: Classifier, classes: tuple[str, ...] = ("no", "yes"), **facts: object) -> Predictor:
        folder: Path = tmp_path_factory.mktemp("bundle")
        return Predictor.open(store(folder, model, classes, **facts))

    return make


@pytest.fixture(scope="session")
def predictor(make_predictor) -> Predictor:
    """A ResNet18 with a fastai-style head on stages 3 and 4, at 64 px."""
    return make_predictor(make_classifier(stages=(3, 4)))

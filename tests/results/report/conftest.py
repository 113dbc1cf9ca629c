from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from brainseg.config import PreparationConfig
from brainseg.diagnosis.lesions import lesions, voxel_ml
from brainseg.diagnosis.volume_mask import VolumeMask
from brainseg.models.description import BundleDescription
from brainseg.models.trained_on import TrainedOn
from brainseg.results.report.model_content import AskedModel
from brainseg.scans.volumes.volume import Volume

CREATED = datetime(2026, 11, 28, 21, 0, tzinfo=UTC)
AFFINE = np.diag([1.5, 2.0, 4.0, 1.0])
PERSON = "Planted_Person"
SHAPE = (64, 60, 30)


def described(**changes: object) -> BundleDescription:
    facts = {
        "name": "marks",
        "task": "segment",
        "arch": "resnet18",
        "head": "u-net",
        "stages": (1, 2),
        "dropout": 0,
        "classes": ("background", "tumour"),
        "positive": None,
        "preparation": PreparationConfig(size=64),
        "preparation_version": 2,
        "weights_sha256": "ab" * 32,
        "pretraining": {"source": "random weights"},
        "data": {"images": 8},
        "validation": {
            "dice": 0.81, "dice_interval": (0.77, 0.85), "count": 512, "patients": 40, "unit": "patient",
        },
        "libraries": {"torch": "2.14.0"},
        "created": "2026-11-27T12:00:00+00:00",
    }  # fmt: skip
    return BundleDescription(**{**facts, **changes})


def classifies(**changes: object) -> BundleDescription:
    facts = {"name": "tells", "task": "classify", "head": "concat-pool", "classes": ("no", "yes"), "positive": "yes"}
    validation = {"accuracy": 0.9, "accuracy_interval": (0.8, 0.95), "count": 100}
    return described(**{**facts, "validation": validation, **changes})


@pytest.fixture(scope="session")
def model() -> AskedModel:
    return AskedModel("marks (0123456789ab)", described())


def ball(centre: tuple[int, int, int], radius: float) -> np.ndarray:
    """Return where a ball is, with a radius in mm."""
    grid = np.stack(np.meshgrid(*(np.arange(size) for size in SHAPE), indexing="ij"), axis=-1)
    return (((grid - centre) * np.diag(AFFINE)[:3]) ** 2).sum(axis=-1) <= radius**2


def head() -> np.ndarray:
    """A grey head on black."""
    grid = np.stack(np.meshgrid(*(np.arange(size) for size in SHAPE), indexing="ij"), axis=-1)
    inside = (((grid - (32, 30, 15)) / (26, 26, 13)) ** 2).sum(axis=-1) <= 1
    noise = np.random.default_rng(0).normal(100, 8, SHAPE)
    return np.where(inside, noise, 0).clip(0).astype(np.float32)


def answer_of(mask: np.ndarray, classes: tuple[str, ...] = ("tumour",), **changes: object) -> VolumeMask:
    """Return the answer that is a mask on the head."""
    facts = {
        "mask": mask.astype(np.uint8),
        "volume": Volume(head(), AFFINE, f"{PERSON}.nii.gz", "NIfTI", SHAPE, "RAS", sequence="T1"),
        "plane": "axial",
        "ml": {name: float((mask == number).sum()) * voxel_ml(AFFINE) for number, name in enumerate(classes, start=1)},
        "lesions": lesions(mask > 0, AFFINE),
        "marked": tuple(np.flatnonzero(mask.any(axis=(0, 1))).tolist()),
        "unlike": (0, 1),
        "in_domain": True,
        "seconds": 1.0,
        "model": "marks (0123456789ab)",
        "warnings": (),
        "trained_on": TrainedOn("tiny", 28, False),
        "digest": "0123456789abcdef" * 4,
        "image_sha256": "fedcba9876543210" * 4,
    }
    return VolumeMask(**{**facts, **changes})


@pytest.fixture(scope="session")
def two() -> np.ndarray:
    """A mask with two balls: one of 12 mm at the right and front, one of 6 mm at the left and back."""
    return (ball((44, 40, 18), 12) | ball((20, 18, 10), 6)).astype(np.uint8)

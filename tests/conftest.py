from __future__ import annotations

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image

from brainseg.config import RunConfig
from brainseg.imports import without_garbage_collection
from brainseg.training.log import EpochMetrics, Progress
from tests.chromium import browser

__all__ = ["browser"]

PROJECT_ROOT = Path(__file__).resolve().parent.parent

TRAINING_FIXTURES = {
    "recorder",  # who asks for it trains
    "finished_template",
    "segment_template",
    "crossval_template",
    "whole_template",
    "trained",
    "classifier",
    "make_predictor",
    "partial_weights",
    "store_template",
}
"""Fixtures that train a network, build a whole one, or open a run store, which imports MLflow."""
TRAINING_PLACES = {
    "jobs",
    "cli",
    "models",
    "runs",
    "report",
    "test_acting.py",
    "test_backends.py",
    "test_class_folders.py",
    "test_compute.py",
    "test_creating.py",
    "test_crossval_results.py",
    "test_full_disk.py",
    "test_label_report.py",
    "test_mask_meaning.py",
    "test_measurement_object.py",
    "test_near_copies.py",
    "test_no_pickle.py",
    "test_packaging.py",
    "test_run_plots.py",
    "test_segmenter.py",
    "test_setup.py",
    "test_signing_in.py",
    "test_start.py",
    "test_subsets.py",
    "test_timing.py",
    "test_volume_mask.py",
}
"""Folders and files whose tests do the same, start processes of brainseg (workers, trainers, commands), or are slow."""

SLOWEST_FIRST = ("server", "train", "browser", "app", "data", "unit")
"""All tiers, those with the longest files first."""


def tier_of(place: Sequence[str], fixtures: set[str]) -> str:
    """Return a test's tier: browser, app, server, train or unit.

    Args:
        place: The folders from `tests` to its file, and the file's name.
        fixtures: Names of all fixtures that it needs, directly or through others.
    """
    if place[0] in ("browser", "app"):
        return place[0]
    if place[0] == "servers":
        return "server"
    if TRAINING_PLACES & set(place) or fixtures & TRAINING_FIXTURES:
        return "train"
    return "unit"


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect without garbage collection, and leave what was imported out of it for good."""
    with without_garbage_collection():
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give every test the marker of its tier, and `data` where it needs real images: as its tier instead of unit.

    Files with tests of slow tiers come first: with a long file last, one process would wait for the other.
    """
    ranks: dict[Path, int] = {}
    for item in items:
        fixtures = set(item.fixturenames)
        place = Path(item.path).relative_to(PROJECT_ROOT / "tests").parts
        tier = tier_of(place, fixtures)
        if "shared" in fixtures or item.get_closest_marker("data"):
            item.add_marker("data")
            tier = "data" if tier == "unit" else tier
        if tier == "unit" and item.get_closest_marker("slow"):
            tier = "train"
        item.add_marker(tier)
        ranks[item.path] = min(SLOWEST_FIRST.index(tier), ranks.get(item.path, len(SLOWEST_FIRST)))
    items.sort(key=lambda item: ranks[item.path])


@pytest.fixture(autouse=True)
def main_module(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put `__main__` back after each test: a page under test takes its place, and spawned processes run it again."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder whose `data/` holds real images; see its README for what is in there."""
    folder = Path(os.environ.get("BRAINSEG_SHARED") or PROJECT_ROOT.parent / "shared")
    if not (folder / "data").is_dir():
        pytest.skip(f"no real data: {folder / 'data'} does not exist (set BRAINSEG_SHARED to the folder above data/)")
    return folder


@pytest.fixture(scope="session")
def phantom_slices(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """24 synthetic slices as the phantom draws them by default, which stand in for real ones where there are none."""
    from brainseg.phantom import write_phantom

    folder = tmp_path_factory.mktemp("phantom") / "slices"
    write_phantom(folder, 24, seed=5, size=192)
    return sorted(folder.glob("*tumour/*.png"))


@pytest.fixture(scope="session", params=["stand-in", pytest.param("real", marks=pytest.mark.data)])
def partial_weights(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a file of weights by architecture, resnet18 or resnet34, that lacks most of layer4.

    The real files hold ImageNet weights; the stand-ins hold random ones under the same names.
    """
    import torchvision
    from safetensors.torch import save_file

    names = {"resnet18": "resnet18-imagenet-partial", "resnet34": "resnet34-grown-partial"}
    if request.param == "real":
        folder = request.getfixturevalue("shared") / "weights"
        return lambda arch: folder / f"{names[arch]}.safetensors"

    def stand_in(arch: str) -> Path:
        file = tmp_path_factory.mktemp("weights") / f"{names[arch]}.safetensors"
        state = torchvision.models.get_model(arch, weights=None).state_dict()
        save_file({name: value.half() for name, value in state.items() if not name.startswith(("layer4", "fc"))}, file)
        return file

    return stand_in


class Recorder:
    """A `RunLog` that keeps what it is told; `stop` decides about a cancel request."""

    def __init__(self, stop=lambda log: False) -> None:
        self.sentences: list[str] = []
        self.steps: list[Progress] = []
        self.epochs: list[EpochMetrics] = []
        self.stop = stop

    def message(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def progress(self, progress: Progress) -> None:
        self.steps.append(progress)

    def epoch(self, figures: EpochMetrics) -> None:
        self.epochs.append(figures)

    def cancelled(self) -> bool:
        return self.stop(self)


@pytest.fixture
def recorder() -> type[Recorder]:
    return Recorder


def draw_slice(random: np.random.Generator, tumour: bool, side: int = 72) -> np.ndarray:
    """A grey disc on black, with a bright spot in it if it has a "tumour": learnt within a few batches."""
    y, x = np.mgrid[:side, :side]
    centre = side / 2 + random.uniform(-3, 3, 2)
    head = np.hypot(y - centre[0], x - centre[1]) < side * 0.42
    image = np.where(head, 90 + random.normal(0, 12, head.shape), random.normal(3, 2, head.shape).clip(0))
    if tumour:
        spot = centre + random.uniform(-side / 6, side / 6, 2)
        image[np.hypot(y - spot[0], x - spot[1]) < side * 0.14] = 235
    return image.clip(0, 255).astype(np.uint8)


def write_set(folder: Path, classes: tuple[str, ...], count: int, seed: int = 0) -> Path:
    """Write `count` small PNGs a class; every class but the first has a spot."""
    random = np.random.default_rng(seed)
    for name in classes:
        (folder / name).mkdir(parents=True)
        for number in range(count):
            Image.fromarray(draw_slice(random, name != classes[0])).save(folder / name / f"{number:03d}.png")
    return folder


@pytest.fixture(scope="session")
def session_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that all processes of this test run share."""
    base = tmp_path_factory.getbasetemp()
    return base.parent if "PYTEST_XDIST_WORKER" in os.environ else base


def made_once(folder: Path, make: Callable[[Path], object]) -> Path:
    """Return a folder that the first process to ask for it makes, and all others use."""
    with FileLock(folder.with_suffix(".lock")):
        if not (done := folder.with_suffix(".done")).exists():
            make(folder)
            done.touch()
    return folder


@pytest.fixture(scope="session")
def tiny_set(session_folder: Path) -> Path:
    """40 easy images of two classes."""
    return made_once(session_folder / "tiny", lambda folder: write_set(folder, ("no", "yes"), 20))


def tiny_config(data: Path, **settings: object) -> RunConfig:
    """The first half of a ResNet18 on 40 px for two epochs: a second."""
    return RunConfig.from_preset(
        "quick",
        {
            "data.path": str(data),
            "data.valid_fraction": 0.3,
            "preparation.size": 40,
            "model.weights": "none",
            "model.stages": [2],
            "training.epochs": 2,
            "training.frozen_epochs": 1,
            "training.batch_size": 8,
            "compute.threads": 1,
            "compute.export": "none",
            **settings,
        },
    )


STILL = {
    f"training.augmentation.{change}": 0
    for change in ("flip", "rotate", "translate", "scale", "brightness", "contrast")
}
"""No augmentation: with it, three epochs on tiny slices teach a U-Net something only by luck."""


def write_masked_set(folder: Path, patients: int, slices: int, seed: int = 0) -> Path:
    """Write `images/` and `masks/` of `slices` slices a patient; the spot of every second slice is the "tumour"."""
    random = np.random.default_rng(seed)
    for part in ("images", "masks"):
        (folder / part).mkdir(parents=True)
    for number in range(patients * slices):
        name = f"patient{number // slices:02d}_{number % slices}.png"
        image = draw_slice(random, tumour=number % 2 == 0)
        Image.fromarray(image).save(folder / "images" / name)
        Image.fromarray(np.where(image == 235, 255, 0).astype(np.uint8)).save(folder / "masks" / name)
    return folder


@pytest.fixture(scope="session")
def masked_set(session_folder: Path) -> Path:
    """40 easy slices of 10 patients, with masks."""
    return made_once(session_folder / "masked", lambda folder: write_masked_set(folder, 10, 4))


@pytest.fixture
def mask_config(masked_set: Path):
    """Make a tiny segmentation's configuration; dotted settings as a dict."""
    basis = {"task": "segment", "model.stages": [1], "training.learning_rate": 0.01}
    return lambda settings=None: tiny_config(masked_set, **{**basis, **(settings or {})})


@pytest.fixture
def config(tiny_set: Path):
    """Make a tiny run's configuration; dotted settings as a dict."""
    return lambda settings=None: tiny_config(tiny_set, **(settings or {}))


@pytest.fixture(scope="session")
def store_template(session_folder: Path) -> Path:
    """A home whose run store is there and empty: making its tables takes seconds, so it is done once."""

    def make(folder: Path) -> None:
        from brainseg.runs import RunStore

        folder.mkdir()
        with opened_home(folder):
            RunStore()

    return made_once(session_folder / "template", make)


@contextmanager
def opened_home(folder: Path) -> Iterator[None]:
    """Make a folder the home, with its own run store."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSEG_HOME", str(folder))
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        yield


def fresh_home(folder: Path, template: Path) -> Path:
    """Copy the empty run store into `folder`, and point it at its new place."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    with sqlite3.connect(folder / "mlflow.db") as database:
        database.execute(
            "UPDATE experiments SET artifact_location = replace(artifact_location, ?, ?)", (str(template), str(folder))
        )
    return folder


@pytest.fixture
def home(tmp_path: Path, store_template: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of the test's own, with an empty run store."""
    folder = fresh_home(tmp_path / "home", store_template)
    monkeypatch.setenv("BRAINSEG_HOME", str(folder))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder

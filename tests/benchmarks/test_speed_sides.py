"""The two sides of a comparison: real processes that take turns, and the baselines on tiny images."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from benchmarks.speed import data
from benchmarks.speed.alternating import alternate, together
from benchmarks.speed.question import NotHereError
from benchmarks.speed.side import Side, SideError, Turns
from benchmarks.speed.timing import Timing

pytestmark = pytest.mark.slow  # fastai takes seconds to import


def pillow(folder: Path, home: Path) -> Side:
    return Side("benchmarks.speed.baselines.pil_loop", {"data": str(folder), "size": 16}, home)


def turns(count: int) -> tuple[Turns, io.StringIO]:
    """Return the turns of a side in this process: `count` of them, and what it reports."""
    answers = io.StringIO()
    return Turns(io.StringIO("\n" * count), answers), answers


def reported(answers: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in answers.getvalue().splitlines()]


def test_sides_take_turns_in_processes_of_their_own(tiny_set: Path, tmp_path: Path) -> None:
    sides = {"first": pillow(tiny_set, tmp_path), "second": pillow(tiny_set, tmp_path)}
    with together(sides):
        found = alternate(sides, 2)
    assert {name: [turn["images"] for turn in each] for name, each in found.items()} == {
        "first": [40, 40], "second": [40, 40],
    }  # fmt: skip
    assert all(turn["wall"] > 0 and turn["cpu"] > 0 and turn["peak_mb"] > 1 for each in found.values() for turn in each)


def test_a_side_that_fails_says_why(tmp_path: Path) -> None:
    with pillow(tmp_path, tmp_path) as side, pytest.raises(SideError, match="pil_loop ended: ValueError"):
        side.turn()
    with Side("no_such_library", {}, tmp_path) as side, pytest.raises(NotHereError, match="no_such_library"):
        side.turn()


def test_a_side_ends_when_nobody_asks_again() -> None:
    given, _ = turns(0)
    with pytest.raises(SystemExit):
        given.wait()


def test_plain_fastai_trains_an_epoch_a_turn(tiny_set: Path) -> None:
    from benchmarks.speed.baselines import fastai_training

    given, answers = turns(2)
    with pytest.raises(SystemExit):
        fastai_training.side(given, str(tiny_set), "resnet18", 32)
    assert [turn["images"] for turn in reported(answers)] == [40, 40]


def test_fastai_predicts_in_a_loop_as_in_batches(tiny_set: Path, tmp_path: Path) -> None:
    from benchmarks.speed.baselines import fastai_training, learn_predict

    learn, files = fastai_training.learner(str(tiny_set), "resnet18", 32), sorted((tiny_set / "yes").iterdir())[:3]
    one, many = learn_predict.in_a_loop(learn, files), learn_predict.in_batches(learn, files)
    assert [row[:2] for row in one] == [row[:2] for row in many]
    assert [row[2] for row in one] == pytest.approx([row[2] for row in many], abs=1e-4)


def test_the_gradcam_package_answers_with_a_heatmap(tiny_set: Path) -> None:
    from benchmarks.speed.baselines.gradcam_package import Diagnosis

    probabilities, shown = Diagnosis("resnet18", 64)(Image.open(tiny_set / "yes" / "000.png").convert("RGB"))
    assert probabilities.sum() == pytest.approx(1)
    assert shown.shape == (64, 64, 3)


def test_brainseg_trains_an_epoch_a_turn(tiny_set: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from benchmarks.speed.ours import training

    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path))
    monkeypatch.setattr(training, "keep_memory", lambda: None)  # it would last for all later tests
    monkeypatch.setattr(training.os, "nice", lambda _by: None)
    given, answers = turns(2)
    settings = {"data.path": str(tiny_set), "preparation.size": 32, "model.arch": "resnet18", "model.weights": "none"}
    with pytest.raises(SystemExit):
        training.side(given, "quick", {**settings, "model.stages": [1], "compute.threads": 1})
    found = reported(answers)
    assert [turn["images"] for turn in found] == [40, 40]
    assert all(0 < turn["wall"] <= turn["reported"] * 1.5 + 0.1 for turn in found), "the epoch is timed, not the wait"


def test_operations_of_a_step_are_about_three_times_those_of_a_pass() -> None:
    from benchmarks.speed.ours.limits import operations

    forward, step = operations("resnet34")
    assert forward == pytest.approx(7.34e9, rel=0.01)
    assert step / forward == pytest.approx(3, abs=0.1)


def test_the_convolution_rate_is_a_rate() -> None:
    from benchmarks.speed.ours.limits import STAGES, convolution_rate

    assert STAGES[0] == (64, 56)
    assert convolution_rate(torch.float32, seconds=0.0) > 1e8


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache folder, whose small sets are taken from a phantom that is drawn in a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(data, "BASE", 8)
        yield tmp_path_factory.mktemp("cache")


def test_small_sets_are_parts_of_one_phantom(cache: Path) -> None:
    folder = data.phantom(cache, 4)
    table = pd.read_csv(folder / "manifest.csv")
    assert table["label"].value_counts().to_dict() == {"tumour": 2, "no_tumour": 2}
    assert all((folder / path).is_file() for path in (*table["path"], *table["mask"]))
    assert data.phantom(cache, 8) != folder
    assert len(list(cache.glob("phantom-*"))) == 1


def test_a_set_of_class_folders_has_as_many_different_files_as_wanted(cache: Path) -> None:
    folder = data.class_folders(cache, 4)
    contents = [file.read_bytes() for file in sorted(folder.glob("*/*.jpg"))]
    assert len(contents) == len(set(contents)) == 4
    assert data.class_folders(cache, 4) == folder


def test_masks_for_fastai_hold_class_numbers(cache: Path) -> None:
    folder = data.phantom(cache, 4)
    masks = [np.asarray(Image.open(file)) for file in sorted(data.masks_of_classes(folder).iterdir())]
    assert len(masks) == 4
    assert set(np.unique(masks)) == {0, 1}


def test_timings_can_be_scaled_and_added() -> None:
    assert Timing(2, 3).scaled(2).plus(Timing(1, 1), -1) == Timing(3, 5)

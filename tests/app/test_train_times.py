"""How long a run will take, and how much of it is left."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from brainseg.app.widgets import time_estimate as train_estimate
from brainseg.app.widgets.time_estimate import basis, crowding, duration, estimate, measured_paces, time_range
from brainseg.app.widgets.time_left import place
from brainseg.config import RunConfig
from brainseg.results.run_wording import PHASES
from brainseg.runs import Run

CONFIG = RunConfig.from_preset("quick", {"compute.device": "cpu"})
RUN = Run("0" * 32, "one", "FINISHED", CONFIG, datetime.now(UTC), datetime.now(UTC), {"seconds": 4.0}, "", "", 0.0)


def test_earlier_runs_of_the_same_network_and_size_count() -> None:
    larger = RunConfig.from_preset("quick", {"preparation.size": 224, "compute.device": "cpu"})
    runs = [
        RUN,
        replace(RUN, metrics={"seconds": 6.0}),
        replace(RUN, config=larger, metrics={"seconds": 99.0}),
        replace(RUN, metrics={}),
    ]
    assert measured_paces(CONFIG, runs, lambda run: 200) == [0.02, 0.03]
    assert measured_paces(CONFIG, runs, lambda run: None) == []


def test_an_estimate_scales_with_images_and_epochs_and_says_where_it_is_from() -> None:
    small = estimate(CONFIG, 200, [0.02, 0.03])
    large = estimate(CONFIG, 2000, [0.02, 0.03])
    longer = estimate(RunConfig.from_preset("quick", {"training.epochs": 50, "compute.device": "cpu"}), 200, [0.02])
    assert 0 < small.low < small.high
    assert large.high > 3 * small.high
    assert longer.high > 3 * small.high
    assert small.sentence().endswith(basis(2))
    assert longer.sentence().endswith(basis(1))
    assert [basis(1), basis(2)] == ["based on 1 earlier run", "based on 2 earlier runs"]


def test_without_earlier_runs_it_is_a_wider_and_rough_range() -> None:
    rough, measured = estimate(CONFIG, 1000, []), estimate(CONFIG, 1000, [0.02])
    assert (rough.measured, measured.measured) == (0, 1)
    assert rough.sentence().endswith(basis(0))
    assert rough.high / rough.low > measured.high / measured.low


def test_early_stopping_lowers_the_low_end_only() -> None:
    patient = RunConfig.from_preset("quick", {"training.patience": 1, "compute.device": "cpu"})
    assert estimate(patient, 1000, [0.02]).low < estimate(CONFIG, 1000, [0.02]).low
    assert estimate(patient, 1000, [0.02]).high == estimate(CONFIG, 1000, [0.02]).high


def test_a_finder_and_a_baseline_have_times_of_their_own() -> None:
    whole = estimate(CONFIG, 5000, [0.02])
    baseline = CONFIG.model_copy(update={"model": CONFIG.model.model_copy(update={"head": "logistic"})})
    assert estimate(baseline, 5000, []).high < whole.high
    assert estimate(CONFIG, 5000, [0.02], "find-lr").high < whole.high
    settings = {"training.learning_rate": "valley", "compute.device": "cpu"}
    valley = RunConfig.from_preset("quick", settings)
    assert estimate(valley, 5000, [0.02]).high == whole.high  # the frozen epoch reuses what the finder computed
    unfrozen, searching = (
        RunConfig.from_preset("quick", {**settings, "training.frozen_epochs": 0, "training.learning_rate": rate})
        for rate in (0.01, "valley")
    )
    assert estimate(searching, 5000, [0.02]).high > estimate(unfrozen, 5000, [0.02]).high


def test_a_segmentation_takes_longer_than_a_classification() -> None:
    masks = RunConfig.from_preset("quick", {"task": "segment", "compute.device": "cpu"})
    assert estimate(masks, 1000, []).low > 2 * estimate(CONFIG, 1000, []).low
    assert estimate(masks, 1000, [0.1]).measured == 1


def test_a_gpu_that_nobody_measured_has_no_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train_estimate, "queue_of", lambda device: "cuda")
    assert estimate(CONFIG, 100, []) is None


def test_spans_are_written_in_the_unit_that_suits_them() -> None:
    assert [duration(seconds) for seconds in (4, 42, 100, 1000, 9000)] == ["4 s", "40 s", "1.7 min", "17 min", "2.5 h"]
    assert time_range(20, 50) == "20 to 50 s"
    assert time_range(60, 61) == "about 60 s"
    assert time_range(100, 400) == "1.7 to 7 min"
    assert time_range(100, 6400) == "up to 1.8 h"


def test_the_place_of_a_training_counts_epochs_and_batches() -> None:
    progress = {"phase": "unfrozen", "epoch": 3, "epochs": 5, "step": 2, "steps": 4, "started": 100.0, "time": 104.0}
    now = place(progress, [9.0, 10.0, 11.0], now=104.0)
    assert (now.phase, now.whole, now.part) == (PHASES["unfrozen"], 0.5, 0.5)
    assert now.left == pytest.approx(6 + 2 * 10)
    assert now.time_left() == "about 26 s left"
    assert now.time_left(patient=True).endswith(now.time_left())
    assert now.time_left(patient=True) != now.time_left()


def test_the_first_epoch_is_judged_by_its_batches() -> None:
    progress = {"phase": "frozen", "epoch": 1, "epochs": 2, "step": 5, "steps": 10, "started": 100.0}
    assert place(progress, [], now=110.0).left == pytest.approx(13 + 23)
    assert place({**progress, "step": 0}, [], now=110.0).left is None


def test_other_phases_and_no_progress_have_a_place_too() -> None:
    finding = {"phase": "finding", "step": 20, "steps": 80, "epoch": 0, "epochs": 0, "started": 0.0}
    assert place(finding, [], now=10.0).left == pytest.approx(30)
    start = place({}, [], now=10.0)
    assert (start.phase, start.whole, start.part, start.left) == (PHASES[""], 0.0, 0.0, None)
    assert place({"phase": "evaluating", "step": 3, "steps": 4}, [], now=1.0).part == 0.75


def test_a_busy_machine_widens_the_estimate_and_says_so() -> None:
    quiet, busy = estimate(CONFIG, 200, [0.02]), estimate(CONFIG, 200, [0.02], crowd=crowding(15.0, 2))
    assert (quiet.low, quiet.high * 8.5) == (busy.low, pytest.approx(busy.high))
    assert (quiet.busy, busy.busy) == (False, True)


def test_what_will_have_ended_does_not_count_as_busy() -> None:
    assert crowding(0.1, 2) == pytest.approx(1.05)
    assert crowding(2.2, 2, own=2.0) == pytest.approx(1.1)
    assert crowding(1.0, 4, threads=1) == 1.0

"""The choice of the number of threads, from step times and the load of other programs."""

from __future__ import annotations

import pytest
import torch

from brainseg.config import ComputeConfig
from brainseg.models.export.processor import available_cores
from brainseg.training.callbacks import Threads
from brainseg.training.compute import limit_threads
from brainseg.training.threads import OtherLoad, ThreadChoice, threads_are_free


def test_alone_all_cores_are_used() -> None:
    choice = ThreadChoice(2)
    assert [choice.after_step(1.0, others) for others in (None, 0.05, 0.3, None, 0.1)] == [2] * 5


def test_a_busy_core_is_left_to_others_and_taken_back_when_it_is_free() -> None:
    choice = ThreadChoice(2)
    assert choice.after_step(8.0, 0.9) == 1
    assert [choice.after_step(2.0, 1.0) for _ in range(5)] == [1] * 5
    assert choice.after_step(2.0, 0.0) == 2
    assert [choice.after_step(1.0, 0.0) for _ in range(5)] == [2] * 5


def test_on_many_cores_only_the_busy_ones_are_left() -> None:
    assert ThreadChoice(16).after_step(1.0, 3.0) == 13
    assert ThreadChoice(4).after_step(1.0, 9.0) == 1


def test_a_number_that_makes_steps_slower_is_given_up_until_the_next_epoch() -> None:
    choice = ThreadChoice(2)
    assert choice.after_step(1.0, 1.0) == 1  # others are busy, but with a lower priority
    assert [choice.after_step(2.0, 1.0) for _ in range(3)] == [1, 1, 2]
    assert [choice.after_step(1.0, 1.0) for _ in range(4)] == [2] * 4
    choice.new_epoch()
    assert choice.after_step(1.0, 1.0) == 1
    assert choice.after_step(5.0, 1.0) == 2  # far slower: not tried any longer


def test_a_choice_of_the_user_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    cpu, before = torch.device("cpu"), torch.get_num_threads()
    try:
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        assert not threads_are_free(ComputeConfig(), cpu)
        assert limit_threads(ComputeConfig()) == 1
        monkeypatch.delenv("OMP_NUM_THREADS")
        assert not threads_are_free(ComputeConfig(threads=2), cpu)
        assert limit_threads(ComputeConfig(threads=2)) == torch.get_num_threads() == 2
        assert not threads_are_free(ComputeConfig(), torch.device("cuda"))
        assert threads_are_free(ComputeConfig(), cpu) is (len(available_cores()) > 1)
        assert limit_threads(ComputeConfig()) == len(available_cores())
    finally:
        torch.set_num_threads(before)


def test_the_load_of_others_is_measured_over_a_while() -> None:
    load = OtherLoad()
    assert load.since_last() is None
    wall, busy, own = load._last
    load._last = (wall - 2, busy - 1.5, own - 0.5)
    found = load.since_last()
    assert found is not None
    assert 0.3 < found < len(available_cores())


def test_what_others_did_while_the_training_paused_does_not_count() -> None:
    threads = Threads()
    threads.before_fit()
    threads.before_epoch()
    wall, busy, own = threads.load._last
    threads.load._last = (wall - 9, busy - 18, own)  # nine seconds in which others kept two cores busy
    threads.before_epoch()
    assert threads.load.since_last() is None

"""Small computations use one thread, and take none from others."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from brainseg.diagnosis import head_network
from brainseg.models.one_thread import one_thread


@pytest.fixture
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_only_the_calling_thread_is_limited(two_threads) -> None:
    found: dict[str, int] = {}
    with one_thread():
        found["own"] = torch.get_num_threads()
        other = threading.Thread(target=lambda: found.update(other=torch.get_num_threads()))
        other.start()
        other.join()
    assert found == {"own": 1, "other": 2}
    assert torch.get_num_threads() == 2


def test_the_guards_network_runs_in_one_thread(two_threads, monkeypatch) -> None:
    threads = []
    network = head_network._network()
    monkeypatch.setattr(
        head_network, "_network", lambda: lambda view: threads.append(torch.get_num_threads()) or network(view)
    )
    head_network.head_logit(np.full((90, 90, 3), 200, np.uint8))
    assert threads == [1]

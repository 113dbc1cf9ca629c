"""What is set for a trainer process before it starts."""

from __future__ import annotations

import pytest

from brainseg.config import RunConfig
from brainseg.jobs.supervisor import trainer_environment


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, "glibc.malloc.hugetlb=1"),
        ("glibc.malloc.check=0", "glibc.malloc.check=0:glibc.malloc.hugetlb=1"),
        ("glibc.malloc.hugetlb=0", "glibc.malloc.hugetlb=0"),
    ],
)
def test_large_memory_pages_are_asked_for_unless_the_user_chose(home, monkeypatch, before, after) -> None:
    monkeypatch.delenv("GLIBC_TUNABLES", raising=False)
    if before:
        monkeypatch.setenv("GLIBC_TUNABLES", before)
    assert trainer_environment(RunConfig.from_preset("quick"))["GLIBC_TUNABLES"] == after


def test_threads_are_limited_before_libraries_start_theirs(home, monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert trainer_environment(RunConfig.from_preset("quick"))["OMP_NUM_THREADS"] == "3"
    chosen = trainer_environment(RunConfig.from_preset("quick", {"compute.threads": 2}))
    assert chosen["OMP_NUM_THREADS"] == chosen["MKL_NUM_THREADS"] == "2"

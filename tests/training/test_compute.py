"""A training's use of the machine."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from brainseg.jobs.workspace import child_environment

TOUCHED = """
import resource, sys
import torch
from brainseg.training.compute import keep_memory
if sys.argv[1] == "keep":
    keep_memory()
def batch():
    torch.ones(16_000_000).sum()  # 64 MB, freed at once
for _ in range(5):
    batch()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(40):
    batch()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
"""Counts the memory pages that forty more batches of the same size touch for the first time."""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc gives memory back after every batch")
def test_a_trainer_does_not_fetch_its_memory_anew_for_every_batch(home) -> None:
    def pages(how: str) -> int:
        done = subprocess.run(
            [sys.executable, "-c", TOUCHED, how], capture_output=True, text=True, env=child_environment(), check=True
        )
        return int(done.stdout)

    # A small block that outlives a batch may occupy the end of its memory, so the next batch still gets new pages.
    assert pages("keep") < pages("as it was") / 10

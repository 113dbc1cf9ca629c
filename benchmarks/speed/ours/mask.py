"""Masks of slices, from the file to the mask."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.speed.ours.bundles import backend_of, make_bundle, opened
from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock
from brainseg.diagnosis.segmenter import Segmenter
from brainseg.scans import read_scan


def side(turns: Turns, data: str, files: list[str], arch: str, size: int) -> None:
    """Mark a few slices a turn."""
    folder = tempfile.TemporaryDirectory()  # kept, since a runtime may read its file later
    segmenter = opened(Segmenter, make_bundle(Path(folder.name), data, arch, size, task="segment"))
    for _ in turns:
        each = []
        with clock() as timing:
            for file in files:
                started = time.perf_counter()
                answer = segmenter.segment(read_scan(Path(file)))
                each.append(time.perf_counter() - started)
        turns.report(timing, each=each, backend=backend_of(answer))

"""Diagnoses with heatmap, and the bare forward pass of the same network on the same image."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import psutil
import torch

from benchmarks.speed.ours.bundles import backend_of, make_bundle, opened
from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock
from brainseg.diagnosis.predictor import Predictor
from brainseg.scans import read_scan


def side(
    turns: Turns, data: str, files: list[str], arch: str, size: int, weights: str = "none", forward: bool = False
) -> None:
    """Diagnose a few images a turn; reading the files does not count.

    Args:
        turns: The turns.
        data: A small dataset, from which the model is made.
        files: The images.
        arch: The ResNet.
        size: Pixels of a side.
        weights: A file of weights, or "none".
        forward: Also time a bare forward pass after each diagnosis.
    """
    folder = tempfile.TemporaryDirectory()  # kept, since a runtime may read its file later
    predictor = opened(Predictor, make_bundle(Path(folder.name), data, arch, size, weights=weights))
    bare = getattr(predictor, "maps", predictor.model)  # the reference build knows only torch
    scans = [read_scan(Path(file)) for file in files]
    images = [predictor.input_of(predictor.prepare(scan)) for scan in scans]
    for _ in turns:
        each, passes = [], []
        with clock() as timing:
            for scan, image in zip(scans, images, strict=True):
                started = time.perf_counter()
                answer = predictor.diagnose(scan)
                each.append(time.perf_counter() - started)
                if forward:
                    started = time.perf_counter()
                    with torch.no_grad():
                        bare(image)
                    passes.append(time.perf_counter() - started)
        memory = psutil.Process().memory_info().rss / 1e6
        turns.report(timing, each=each, forward=passes, rss_mb=memory, backend=backend_of(answer))

"""What the machine can do at most: convolutions, copies in memory, and decoding of images."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models import get_model

from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock

STAGES = ((64, 56), (128, 28), (256, 14), (512, 7))
"""Channels and map size of the 3 x 3 convolutions of a ResNet34 at 224 px."""
BATCH = 32
SECONDS = 0.3


def rate(work: Callable[[], object], amount: float, seconds: float = SECONDS) -> float:
    """Return how much of an amount is done per second, by the fastest of several calls."""
    work()
    taken, started = [], time.perf_counter()
    while not taken or time.perf_counter() - started < seconds:
        begun = time.perf_counter()
        work()
        taken.append(time.perf_counter() - begun)
    return amount / min(taken)


def convolution_rate(dtype: torch.dtype, seconds: float = SECONDS) -> float:
    """Return the rate of the 3 x 3 convolutions of a ResNet34, one of each stage, in operations per second.

    All four have the same number of operations; the fastest of several calls counts for each.
    """
    least = []
    for channels, side in STAGES:
        images = torch.randn(BATCH, channels, side, side, dtype=dtype).to(memory_format=torch.channels_last)
        weight = torch.randn(channels, channels, 3, 3, dtype=dtype).to(memory_format=torch.channels_last)
        operations = 2 * BATCH * side * side * channels * channels * 9
        with torch.inference_mode():
            per_second = rate(lambda i=images, w=weight: functional.conv2d(i, w, padding=1), operations, seconds)
        least.append(operations / per_second)
    return operations * len(STAGES) / sum(least)


def operations(arch: str, side: int = 224) -> tuple[float, float]:
    """Return the floating-point operations of one image: of a forward pass, and of a training step."""
    with torch.device("meta"):
        model, image = get_model(arch, weights=None), torch.zeros(1, 3, side, side)
        counted = []
        for training in (False, True):
            with FlopCounterMode(display=False) as counter:
                found = model.train(training)(image)
                if training:
                    found.sum().backward()
            counted.append(float(counter.get_total_flops()))
    return counted[0], counted[1]


def decoding_rate(files: list[Path], workers: int) -> float:
    """Return how many images Pillow decodes per second with a number of threads, as (H, W, 3) arrays."""

    def decode(file: Path) -> int:
        return np.asarray(Image.open(file).convert("RGB")).size

    with ThreadPoolExecutor(workers) as pool:
        return rate(lambda: sum(pool.map(decode, files)), len(files))


def memory_rate(megabytes: int = 256) -> float:
    """Return how many bytes per second a copy in memory moves, read and written together."""
    source = torch.zeros(megabytes * 1_000_000, dtype=torch.uint8)
    target = torch.empty_like(source)
    return rate(lambda: target.copy_(source), 2 * len(source))


def disk_rate(folder: Path, megabytes: int = 64) -> float:
    """Return how many bytes per second are written to a file and flushed to the disk."""
    content = os.urandom(megabytes * 1_000_000)

    def write() -> None:
        with (folder / "disk-rate").open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())

    found = rate(write, len(content), seconds=1.0)
    (folder / "disk-rate").unlink()
    return found


def side(turns: Turns, files: list[str], folder: str, workers: int) -> None:
    """Measure everything a turn."""
    images = [Path(file) for file in files]
    for _ in turns:
        with clock() as timing:
            found = {
                "bf16": convolution_rate(torch.bfloat16),
                "fp32": convolution_rate(torch.float32),
                "memory": memory_rate(),
                "decoding": decoding_rate(images, workers),
                "disk": disk_rate(Path(folder)),
            }
        turns.report(timing, **found)

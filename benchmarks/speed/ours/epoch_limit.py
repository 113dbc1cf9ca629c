"""The least time of an epoch: its operations at the measured convolution rate."""

from __future__ import annotations

import torch

from benchmarks.speed.ours.limits import convolution_rate, operations
from benchmarks.speed.side import Turns
from benchmarks.speed.timing import clock


def side(turns: Turns, arch: str, size: int, images: int, batch_size: int) -> None:
    """Measure the rate a turn, and count the operations of an epoch of `images` images, a fifth for validation.

    Both sides of the comparison leave the last, smaller batch of an epoch out.
    """
    validated = images // 5
    trained = (images - validated) // batch_size * batch_size
    forward, step = operations(arch, size)
    total = trained * step + validated * forward
    for _ in turns:
        with clock() as timing:
            rate = convolution_rate(torch.bfloat16)
        turns.report(timing, rate=rate, operations=total, seconds=total / rate)

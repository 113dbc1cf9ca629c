"""What of the machine a training uses: device, number format and threads."""

from __future__ import annotations

import ctypes
import os
import sys

import torch

from brainseg.config import ComputeConfig
from brainseg.errors import ConfigError

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Names of glibc's `malloc.h` for what `mallopt` sets."""


def choose_device(wanted: str) -> torch.device:
    """Return the device to train on.

    Raises:
        ConfigError: A GPU is asked for and torch finds none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("compute.device: 'cuda' is not available on this machine, allowed here: auto, cpu.")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def uses_bf16(precision: str, device: torch.device) -> bool:
    """Say whether training runs in bfloat16: asked for, or `auto` on hardware that computes in it."""
    return precision == "bf16" or (precision == "auto" and has_bf16(device))


def has_bf16(device: torch.device) -> bool:
    """Say whether the hardware itself computes in bfloat16; emulated, it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    capabilities = torch.cpu.get_capabilities()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16"))


def limit_threads(config: ComputeConfig) -> int:
    """Give torch its share of the cores and return the number of threads."""
    # A container may own fewer cores than the machine has.
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    threads = config.threads or own
    torch.set_num_threads(threads)
    return threads


def keep_memory() -> None:
    """Let this process keep freed memory for its next batch; where there is no glibc, do nothing.

    glibc maps every large tensor anew and gives it back when it is freed, so each batch pays again for the first touch
    of all its pages: a tenth of a U-Net's step or more. Only for a process that trains and ends, since a peak of memory
    stays with it.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "gnu_get_libc_version"):
        library.mallopt(M_MMAP_MAX, 0)
        library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)

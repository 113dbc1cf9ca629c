"""A training's use of the machine: device, number format, threads and memory."""

from __future__ import annotations

import ctypes
import os
import sys

import torch

from brainseg.config import ComputeConfig
from brainseg.errors import ConfigError
from brainseg.models.export import processor
from brainseg.models.export.processor import available_cores

M_TRIM_THRESHOLD, M_MMAP_MAX = -1, -4
"""Parameters of `mallopt`, by their names in glibc's `malloc.h`."""


def choose_device(wanted: str) -> torch.device:
    """Return the device to train on.

    Raises:
        ConfigError: A GPU is requested, but torch finds none.
    """
    if wanted == "cuda" and not torch.cuda.is_available():
        raise ConfigError("compute.device: 'cuda' is not available on this machine, allowed here: auto, cpu.")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def uses_bf16(precision: str, device: torch.device) -> bool:
    """Return whether training runs in bfloat16: by setting, or with `auto` if the hardware supports it."""
    return precision == "bf16" or (precision == "auto" and has_bf16(device))


def has_bf16(device: torch.device) -> bool:
    """Return whether the hardware supports bfloat16; emulated bfloat16 is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.get_device_capability(device) >= (8, 0)
    return processor.has_bf16()


def limit_threads(config: ComputeConfig) -> int:
    """Set torch's number of threads and return it; a training without a setting may change it: see `threads`."""
    automatic = torch.get_num_threads() if os.environ.get("OMP_NUM_THREADS") else len(available_cores())
    threads = config.threads or automatic
    torch.set_num_threads(threads)
    return threads


def keep_memory() -> None:
    """Let this process keep freed memory for its next batch; do nothing without glibc.

    glibc maps memory for every large tensor and returns it when the tensor is freed, so each batch faults all its pages
    in again, which takes a tenth of a U-Net's step or more. Use this only in a process that trains and then ends, since
    the process keeps its peak memory.
    """
    if sys.platform == "linux" and hasattr(library := ctypes.CDLL(None), "gnu_get_libc_version"):
        library.mallopt(M_MMAP_MAX, 0)
        library.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)

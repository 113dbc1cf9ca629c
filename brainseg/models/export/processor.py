"""The kind of this machine's processor, as far as it matters for the values that a network returns."""

from __future__ import annotations

import os
from functools import cache

import torch

BF16 = ("amx_bf16", "avx512_bf16", "bf16")
"""Names of the abilities that make bfloat16 faster than float32."""
_TELLING = (*BF16, "amx_fp16", "amx_int8", "avx512_f", "avx512_fp16", "avx512_vnni", "avx2", "sve", "sve_bf16")


@cache
def processor() -> str:
    """Return the architecture and the abilities that change how a network is computed, in alphabetical order."""
    abilities = torch.cpu.get_capabilities()
    return " ".join([str(abilities.get("architecture", "")), *sorted(each for each in _TELLING if abilities.get(each))])


def has_bf16(kind: str | None = None) -> bool:
    """Return whether a kind of processor (by default this one) computes in bfloat16; emulated, it is slow."""
    return any(ability in BF16 for ability in (processor() if kind is None else kind).split())


def available_cores() -> list[int]:
    """Return the numbers of the cores that this process may use: a container may have fewer than the machine."""
    cores = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(os.cpu_count() or 1)
    return sorted(cores)

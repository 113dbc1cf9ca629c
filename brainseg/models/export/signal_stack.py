"""Keeps a thread's alternate stack for signals, which OpenVINO replaces and takes away in the order that it chooses.

On processors with AMX, compiling a network gives the calling thread a stack of OpenVINO's own, and freeing the network
puts back what was there before. If of two networks the first is freed first, the thread is left with a stack that no
longer exists, and the next signal ends the process without a message: Python runs its handlers on that stack.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class SignalStack(ctypes.Structure):
    """`stack_t` of Linux: address, flags and size in bytes."""

    _fields_ = (("address", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


def signal_stack() -> SignalStack:
    """Return the calling thread's alternate stack for signals; on Linux only."""
    found = SignalStack()
    ctypes.CDLL(None).sigaltstack(None, ctypes.byref(found))
    return found


@contextmanager
def kept_signal_stack() -> Iterator[None]:
    """Put the calling thread's alternate stack for signals back after the `with` block; do nothing but on Linux."""
    if sys.platform != "linux":
        yield
        return
    before = signal_stack()
    try:
        yield
    finally:
        ctypes.CDLL(None).sigaltstack(ctypes.byref(before), None)

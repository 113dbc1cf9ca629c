"""Small computations in one thread: the threads of a computation wait for each other, busily, at every layer.

Beside a training, the guard's network took 35 ms of processor time in two threads, and 1 ms in one.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[Any]:
    """Have torch compute in one thread in the `with` block; other threads of the process keep theirs.

    Examples:
        >>> import torch
        >>> with one_thread():
        ...     torch.get_num_threads()
        1
    """
    limited: AbstractContextManager[Any] = _openmp().limit(limits=1)
    return limited


@cache
def _openmp() -> ThreadpoolController:
    """Return the OpenMP libraries of this process, of which torch has loaded one when it was imported."""
    import torch  # noqa: F401

    return ThreadpoolController().select(user_api="openmp")

"""Builds a network whose weights are read from a file afterwards, without filling it with random ones first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

RANDOM = {"normal_", "uniform_"}
"""The methods of a tensor, and the functions of `torch.nn.init`, with which layers draw random weights."""


@contextmanager
def unfilled() -> Iterator[None]:
    """Build networks on the meta device, which has no memory, and leave out their initialisation.

    Torch would compute the random weights of the meta device in Python, and import its compiler for that: 1 s of
    processor time at the start of every process that answers.

    Examples:
        >>> with unfilled():
        ...     layer = torch.nn.Conv2d(3, 64, 7)
        >>> layer.weight.is_meta
        True
    """
    with torch.device("meta"), _NoInitialisation():
        yield


class _NoInitialisation(TorchFunctionMode):
    """Leaves tensors as they are in place of filling them with random values."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - whatever the function returns
        if getattr(func, "__name__", "") in RANDOM:
            return args[0] if args else (kwargs or {})["tensor"]
        return func(*args, **(kwargs or {}))

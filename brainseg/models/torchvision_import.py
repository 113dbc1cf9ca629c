"""torchvision without `torch._dynamo`, the compiler of torch, which brainseg does not use.

torchvision imports the compiler for a single function, which only one of its operators calls, on other devices. That
takes ten times as long as all the rest of torchvision, and 870 modules. Modules that need torchvision import this one
before it. `torch.compile` works as ever: it imports the compiler itself. See
`findings/torchvision_loads_the_compiler_that_it_avoids.sh`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from threading import Lock
from types import ModuleType
from typing import Any

from brainseg.imports import without_garbage_collection

_COMPILER = "torch._dynamo"
_LOCK = Lock()


class _Later(ModuleType):
    """Stands in for a module; its functions import the real one when they are called."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        module = self.__name__

        def call(*args: object, **options: object) -> object:
            return getattr(import_module(module), name)(*args, **options)

        return call


@contextmanager
def _without_compiler() -> Iterator[None]:
    """Let `from torch._dynamo.utils import FUNCTION` import nothing, unless the compiler was imported before."""
    if _COMPILER in sys.modules:
        yield
        return
    parent, utils = _Later(_COMPILER), _Later(f"{_COMPILER}.utils")
    parent.__path__ = []
    stand_ins = {module.__name__: module for module in (parent, utils)}
    sys.modules.update(stand_ins)
    try:
        yield
    finally:
        for name in stand_ins:
            del sys.modules[name]


with _LOCK, without_garbage_collection():
    import_module("torch")  # first, since it may import the compiler itself
    with _without_compiler():
        import torchvision

__all__ = ["torchvision"]

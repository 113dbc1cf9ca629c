"""Large packages without the cost that they add to Python's garbage collection."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_modules = 0
"""Number of modules at the last call of `exclude_modules`."""


@contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Pause garbage collection, then exclude what was imported from it (`exclude_modules`).

    Imports leave no garbage, and Python's search for it takes a fifth of their time.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        exclude_modules()
        if enabled:
            gc.enable()


def exclude_modules() -> None:
    """Exclude all that exists from garbage collection, if modules were imported since the last call.

    Streamlit asks for a full collection after every click. With torch and MLflow that takes a quarter of a second, to
    search objects that live as long as the process.
    """
    global _modules
    if len(sys.modules) > _modules:
        gc.freeze()
        _modules = len(sys.modules)

"""Ends a process when its parent dies, whatever kills the parent.

The parent gives the process a pipe as standard input and keeps the other end open. The system closes that end when the
parent dies, so its death cannot be missed. This module imports nothing slow, so the watch can start before anything
else is loaded.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable

ENDED = 1
"""Exit code of a process whose parent died."""

_exit_functions: list[Callable[[], None]] = []


def exit_with_parent() -> None:
    """End this process as soon as the other end of its standard input is closed."""
    threading.Thread(target=_watch, name="parent-watch", daemon=True).start()


def before_exit(act: Callable[[], None]) -> None:
    """Register a function to be called when the parent has died, before this process ends."""
    _exit_functions.append(act)


def _watch() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    try:
        for act in _exit_functions:
            act()
    finally:
        os._exit(ENDED)

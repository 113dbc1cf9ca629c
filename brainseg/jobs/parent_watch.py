"""A process that ends with the one that started it, however that dies: a pipe between them breaks.

What starts it gives it a pipe as standard input and keeps the other end open. The system closes that end with the
starter's process, so there is no moment at which a death could be missed. This module imports nothing slow, so that it
holds before anything else is loaded.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable

ENDED = 1
"""Exit code of a process whose starter died."""

_last_acts: list[Callable[[], None]] = []


def exit_with_parent() -> None:
    """End this process once its standard input is closed at the other end."""
    threading.Thread(target=_watch, name="parent-watch", daemon=True).start()


def before_exit(act: Callable[[], None]) -> None:
    """Have something done when the starter has died, before this process ends."""
    _last_acts.append(act)


def _watch() -> None:
    with contextlib.suppress(OSError):
        while os.read(0, 1024):
            pass
    try:
        for act in _last_acts:
            act()
    finally:
        os._exit(ENDED)

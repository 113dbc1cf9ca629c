"""Files that were read, kept until they change, for all pages and visitors of one server."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pandas as pd

MOST = 200
"""Tables that are kept; the ones that were not asked for longest make room."""

_Key = tuple[str, int, int, int, str]


class TableCache:
    """Tables by file; safe to share between threads.

    Args:
        most: How many are kept.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[_Key, pd.DataFrame] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, file: Path, read: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
        """Return what `read` makes of a file; read again only after the file changed.

        Args:
            file: A stored table. brainseg replaces files in one step, so a changed one has another inode, size or time.
            read: Reads and checks it. What it raises passes through, and nothing is kept.

        Returns:
            A copy that the caller may change.
        """
        facts = file.stat()
        key = (str(file), facts.st_ino, facts.st_mtime_ns, facts.st_size, read.__qualname__)
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
        if found is None:
            found = read(file)
            with self._lock:
                self._kept[key] = found
                while len(self._kept) > self._most:
                    self._kept.popitem(last=False)
        return found.copy()

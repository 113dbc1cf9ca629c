"""A cache of stored tables for all pages and visitors of one server; a table is read again after its file changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

import pandas as pd

MOST = 200
"""Number of tables in the cache; the least recently used ones are dropped."""

_Key = tuple[str, int, int, int, str]


class TableCache:
    """Tables by file; safe to share between threads.

    Args:
        most: Number of tables to keep.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._kept: OrderedDict[_Key, pd.DataFrame] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, file: Path, read: Callable[[Path], pd.DataFrame]) -> pd.DataFrame:
        """Return the result of `read` for a file, from the cache unless the file changed.

        Args:
            file: A stored table. brainseg replaces files in one step, so a changed one has another inode, size or time.
            read: Reads and checks the file. Its exceptions pass through, and nothing is cached.

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

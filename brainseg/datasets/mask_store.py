"""Keep decoded masks compressed in memory, so a run decodes each mask only once."""

from __future__ import annotations

import zlib
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock

import numpy as np

from brainseg.datasets.mask_values import MaskFile, read_values

LIMIT = 64 * 1024 * 1024
"""Most compressed bytes per dataset, about 1 kB per mask of 256 x 256 pixels; further masks are decoded each time."""

_State = tuple[int, int, int, int]


@dataclass(frozen=True)
class _Kept:
    """A mask without its values, the compressed values, and the state of the file before it was read."""

    mask: MaskFile
    packed: bytes
    shape: tuple[int, ...]
    state: _State

    def unpacked(self) -> MaskFile:
        values = np.frombuffer(zlib.decompress(self.packed), dtype=self.mask.values.dtype).reshape(self.shape)
        return replace(self.mask, values=values)


class MaskStore:
    """The masks of one dataset. Safe to use from many threads.

    Args:
        limit: Most compressed bytes to keep.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._room = limit
        self._kept: dict[tuple[Path, bool], _Kept] = {}
        self._locks: defaultdict[Path, Lock] = defaultdict(Lock)
        self._guard = Lock()

    def read(self, root: Path, path: str, colours: bool) -> MaskFile:
        """Return a mask like `read_values`; decode the file again only if it has changed.

        Raises:
            ScanError: The file is not a readable image.
            DataError: Its values are not from 0 to 65,535.
        """
        file = root / path
        with self._guard:
            lock = self._locks[file]
        with lock:  # images that share a mask decode it only once
            state, kept = _state(file), self._kept.get((file, colours))
            if kept and kept.state == state:
                return kept.unpacked()
            mask = read_values(root, path, colours)
            if state:
                self._keep((file, colours), mask, state)
            return mask

    def _keep(self, key: tuple[Path, bool], mask: MaskFile, state: _State) -> None:
        packed = zlib.compress(np.ascontiguousarray(mask.values).tobytes(), level=1)
        empty = replace(mask, values=np.empty(0, mask.values.dtype))
        with self._guard:
            if len(packed) <= self._room:
                self._room -= len(packed)
                self._kept[key] = _Kept(empty, packed, mask.values.shape, state)


def _state(file: Path) -> _State | None:
    """Return the facts that change when a file is written: size, times and inode; None if there is no such file."""
    try:
        state = file.stat()
    except (OSError, ValueError):  # ValueError: a zero byte in the path
        return None
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino

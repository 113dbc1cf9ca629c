"""The lock of the queue."""

from __future__ import annotations

from filelock import FileLock

from brainseg import paths


def queue_lock() -> FileLock:
    """Return the lock that is held while a run changes its status or its process."""
    return FileLock(paths.subfolder("jobs") / "queue.lock")

"""Work that takes long, in a thread of its own: a visitor sees how far it is, can go on looking, and can cancel it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Cancelled(Exception):
    """The visitor has cancelled the work."""


class Work(Generic[Result]):
    """A function that runs in a thread.

    Args:
        run: Called with a function that takes (done, total) and raises `Cancelled` after a cancel.
    """

    def __init__(self, run: Callable[[Callable[[int, int], None]], Result]) -> None:
        self.done, self.total = 0, 0
        self._stop = threading.Event()
        self._future: Future[Result] = Future()
        threading.Thread(target=self._work, args=(run,), name="volume", daemon=True).start()

    @property
    def finished(self) -> bool:
        """Whether it has ended, in whatever way."""
        return self._future.done()

    def cancel(self) -> None:
        """Let it end after the step that it is at."""
        self._stop.set()

    def result(self) -> Result:
        """Return the result; wait for it.

        Raises:
            Cancelled: It was cancelled.
            Exception: What the function raised.
        """
        return self._future.result()

    def _work(self, run: Callable[[Callable[[int, int], None]], Result]) -> None:
        try:
            self._future.set_result(run(self._report))
        except BaseException as error:  # raised again for the visitor who waits
            self._future.set_exception(error)

    def _report(self, done: int, total: int) -> None:
        self.done, self.total = done, total
        if self._stop.is_set():
            raise Cancelled

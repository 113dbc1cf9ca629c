"""Many images in batches: while one batch is in the network, another one is read and prepared."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

BATCH = 16
"""Images of one batch; all of them are in memory at the same time."""
WORKERS = 2
"""Batches that are worked on at the same time. Decoding and networks leave Python free, so two keep two cores busy."""


def in_batches(work: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T], size: int = BATCH) -> Iterator[R]:
    """Yield the results of all items in their order; at most `WORKERS` + 1 batches are in memory.

    Args:
        work: Returns the results of a batch, one for each item; called in several threads.
        items: The items.
        size: Most items of a batch.

    Examples:
        >>> list(in_batches(lambda batch: [each * 10 for each in batch], range(5), size=2))
        [0, 10, 20, 30, 40]
    """
    batches = [items[start : start + size] for start in range(0, len(items), size)]
    if len(batches) < 2:
        for batch in batches:
            yield from work(batch)
        return
    waiting: deque[Future[Sequence[R]]] = deque()
    pool = ThreadPoolExecutor(WORKERS, "batch")
    try:
        for batch in batches:
            waiting.append(pool.submit(work, batch))
            if len(waiting) > WORKERS:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:  # also when the caller stops early
        pool.shutdown(cancel_futures=True)

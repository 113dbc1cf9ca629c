"""Many images in batches: while one batch is in the network, another one is read and prepared."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

BATCH = 16
"""Images of one batch; all of them are in memory at the same time."""
WORKERS = 2
"""Batches that are worked on at the same time. Decoding and networks leave Python free, so two keep two cores busy."""


def in_batches(
    work: Callable[[Sequence[T]], Sequence[R]], items: Iterable[T], size: int = BATCH, workers: int = WORKERS
) -> Iterator[R]:
    """Yield the results of all items in their order; at most `workers` + 1 batches are in memory.

    Args:
        work: Returns the results of a batch, one for each item; called in several threads.
        items: The items, which are taken only as batches are begun.
        size: Most items of a batch.
        workers: Batches that are worked on at the same time.

    Examples:
        >>> list(in_batches(lambda batch: [each * 10 for each in batch], range(5), size=2))
        [0, 10, 20, 30, 40]
    """
    batches = _batches(items, size)
    first = list(islice(batches, 2))
    if len(first) < 2:
        for batch in first:
            yield from work(batch)
        return
    waiting: deque[Future[Sequence[R]]] = deque()
    pool = ThreadPoolExecutor(workers, "batch")
    try:
        for batch in chain(first, batches):
            waiting.append(pool.submit(work, batch))
            if len(waiting) > workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()
    finally:  # also when the caller stops early
        pool.shutdown(cancel_futures=True)


def _batches(items: Iterable[T], size: int) -> Iterator[list[T]]:
    following = iter(items)
    while batch := list(islice(following, size)):
        yield batch

"""Waiting for a run store that does not answer: workers and trainings must outlive a restart of its server."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TypeVar

from brainseg import paths
from brainseg.errors import UnreachableStoreError

T = TypeVar("T")
POLL = 2.0
"""Seconds between two attempts."""
_LOGGER = logging.getLogger(__name__)


def patiently(act: Callable[[], T]) -> T:
    """Do something in the run store; while the store does not answer, wait and do it again, for as long as it takes.

    Hold no lock meanwhile that pages or commands need: they report a missing store at once, and should not hang.

    Args:
        act: What to do. It may be done more than once, since a lost answer looks like a lost request.
    """
    told = False
    while True:
        try:
            done = act()
        except UnreachableStoreError as error:
            if not told:
                _LOGGER.warning("%s Waiting until it answers again.", error)
            told = True
            paths.refuse_if_moved()
            time.sleep(POLL)
        else:
            if told:
                _LOGGER.info("The run store answers again.")
            return done

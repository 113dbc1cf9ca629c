"""Limits on how often something may happen in a span of time, which environment variables set."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from filelock import FileLock

from brainseg import paths
from brainseg.errors import LimitError
from brainseg.files import write_json

DAY, MINUTE = 24 * 3600.0, 60.0


class RateLimit:
    """A limit for each user; threads, and with a file also processes, share what was used.

    Args:
        variable: The environment variable with the most events in the span; without it, there is no limit.
        span: Length of the span in seconds.
        words: What is counted, and in which span, such as "uploads a day".
        file: The file below the home that keeps the times. "" keeps them in the memory of this process.
    """

    def __init__(self, variable: str, span: float, words: str, file: str = "") -> None:
        self.variable, self.span, self.words, self.file = variable, span, words, file
        self._lock = Lock()
        self._used: dict[str, list[float]] = {}

    def take(self, user: str = "", now: float | None = None) -> None:
        """Count one event.

        Args:
            user: Whose event it is; "" where users are not known, so that all of them share the limit.
            now: The time in seconds since 1970; that of the call by default.

        Raises:
            LimitError: The user has reached the limit; the event is not counted.
            ConfigError: The variable is not a number, or is negative.
        """
        if (most := paths.optional_limit(self.variable)) is None:
            return
        now = time.time() if now is None else now
        with self._lock, self._times() as used:
            for name, times in list(used.items()):
                used[name] = [moment for moment in times if now - self.span < moment <= now]
                if not used[name]:
                    del used[name]
            times = used.get(user, [])
            if len(times) + 1 > most:
                when = f"try again in {_words(times[0] + self.span - now)}" if times else "none is allowed here"
                raise LimitError(f"The limit of {most:g} for {self.words} is reached ({self.variable}): {when}.")
            used[user] = [*times, now]

    @contextmanager
    def _times(self) -> Iterator[dict[str, list[float]]]:
        """Give the times of the events by user, and keep what the `with` block makes of them."""
        if not self.file:
            yield self._used
            return
        place = paths.subfolder("jobs") / self.file
        with FileLock(place.with_suffix(".lock")):
            used = _read(place)
            yield used
            write_json(place, used)


class SharedRateLimit:
    """Two limits at once: one for all users together, and one for each, which the variable with `EACH` sets.

    Args: as those of `RateLimit`.
    """

    EACH = "_PER_USER"

    def __init__(self, variable: str, span: float, words: str, file: str = "") -> None:
        self.all = RateLimit(variable, span, words, file)
        own = f"each-{file}" if file else ""
        self.each = RateLimit(variable + self.EACH, span, f"{words} for one person", own)

    def take(self, user: str = "", now: float | None = None) -> None:
        """Count one event; that of a person who has used up their own limit does not count for the others.

        Raises:
            LimitError: One of the limits is reached.
            ConfigError: A variable is not a number, or is negative.
        """
        if user:
            self.each.take(user, now)
        self.all.take("", now)


def _read(place: Path) -> dict[str, list[float]]:
    try:
        found = json.loads(place.read_text("utf-8"))
        return {str(name): sorted(map(float, times)) for name, times in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):  # missing or damaged: counting begins again
        return {}


def _words(seconds: float) -> str:
    """Return a time to wait in words.

    >>> _words(0.2), _words(59), _words(3600.5), _words(86400)
    ('1 second', '59 seconds', '60 minutes', '24 hours')
    """
    for size, name in ((3600, "hour"), (60, "minute")):
        if seconds > 2 * size:
            return f"{seconds / size:.0f} {name}s"
    count = max(1, round(seconds))
    return f"{count} second{'s' if count > 1 else ''}"

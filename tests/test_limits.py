"""Limits in a span of time, in memory and between processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from brainseg.errors import ConfigError, LimitError
from brainseg.limits import RateLimit


@pytest.mark.parametrize("file", ["", "times.json"])
def test_a_limit_counts_the_last_span_for_each_user(file: str, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path))
    limit = RateLimit("BRAINSEG_MAX_TESTS", 60, "tests a minute", file)
    for moment in range(5):
        limit.take(now=1000 + moment)  # no limit is set
    monkeypatch.setenv("BRAINSEG_MAX_TESTS", "2")
    limit.take(now=1000)
    limit.take(now=1030)
    with pytest.raises(LimitError, match=r"^The limit of 2 for tests a minute is reached \(BRAINSEG_MAX_TESTS\): try"):
        limit.take(now=1059)
    limit.take("another", now=1059)
    limit.take(now=1061)  # the first one is more than a minute ago
    other = RateLimit("BRAINSEG_MAX_TESTS", 60, "tests a minute", file)
    if file:  # as in another process
        with pytest.raises(LimitError, match="try again in 28 seconds"):
            other.take(now=1062)
        (tmp_path / "jobs" / file).write_text("damaged")
        other.take(now=1062)
    monkeypatch.setenv("BRAINSEG_MAX_TESTS", "0")
    with pytest.raises(LimitError, match="none is allowed here"):
        other.take(now=2000)
    monkeypatch.setenv("BRAINSEG_MAX_TESTS", "many")
    with pytest.raises(ConfigError, match="set it to 0 or a positive number"):
        limit.take()

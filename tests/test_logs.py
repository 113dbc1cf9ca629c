"""Logging: text for people or JSON lines for programs, as the environment variables set."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest

from brainseg import logs
from brainseg.errors import ConfigError

LOGGER = logging.getLogger("brainseg.jobs.worker")


@pytest.fixture(autouse=True)
def unchanged_logger():
    logger = logging.getLogger(logs.ROOT)
    before = list(logger.handlers), logger.level, logger.propagate
    yield
    for handler in logger.handlers:
        handler.close()
    logger.handlers[:], logger.level, logger.propagate = before


def fail() -> None:
    try:
        raise ValueError("no 'number'\nat all")
    except ValueError:
        LOGGER.exception("It broke: %s", "é", extra={"run": "ab12"})


def test_json_lines_hold_level_run_and_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSEG_LOG", "json")
    logs.configure(stream := io.StringIO())
    LOGGER.debug("unheard")
    LOGGER.info("two\nlines")
    fail()
    first, second = map(json.loads, stream.getvalue().splitlines())
    assert (first["level"], first["message"], first["logger"]) == ("info", "two\nlines", "brainseg.jobs.worker")
    assert "run" not in first
    assert (second["level"], second["run"], second["message"]) == ("error", "ab12", "It broke: é")
    assert "ValueError: no 'number'" in second["traceback"]


def test_the_level_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRAINSEG_LOG_LEVEL", "WARNING")
    logs.configure(stream := io.StringIO())
    LOGGER.info("unheard")
    LOGGER.warning("heard")
    assert stream.getvalue().strip().endswith("WARNING brainseg.jobs.worker: heard")


@pytest.mark.parametrize("form", ["text", "json"])
def test_the_log_of_a_training_stays_text_and_has_every_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("BRAINSEG_LOG", form)
    monkeypatch.setenv("BRAINSEG_LOG_LEVEL", "error")
    logs.configure_training(tmp_path / "records.jsonl", stream := io.StringIO())
    LOGGER.info("epoch 1 is over")
    fail()
    sentence, *rest = stream.getvalue().splitlines()
    assert sentence[8:] == "  epoch 1 is over"
    assert "Traceback (most recent call last):" in rest
    records = tmp_path / "records.jsonl"
    assert records.exists() == (form == "json")
    if form == "json":
        (record,) = map(json.loads, records.read_text("utf-8").splitlines())
        assert record["run"] == "ab12"


@pytest.mark.parametrize("name", ["BRAINSEG_LOG", "BRAINSEG_LOG_LEVEL"])
def test_an_unknown_value_is_refused_in_one_sentence(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "loud")
    with pytest.raises(ConfigError, match=f"^{name} is 'loud': set it to "):
        logs.configure(io.StringIO())

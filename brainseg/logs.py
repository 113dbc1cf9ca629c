"""Logging of brainseg's processes: level and format.

`BRAINSEG_LOG_LEVEL` is debug, info (the default), warning or error. With `BRAINSEG_LOG=json`, each record is one line
of JSON, for programs that collect logs. The log of a training is for people: it stays text, and it contains every
message of level info, whatever `BRAINSEG_LOG_LEVEL` is. Its records then also go to `logs/trainings.jsonl` in the home
folder.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from brainseg.errors import ConfigError

ROOT = "brainseg"
LEVELS = ("debug", "info", "warning", "error")


class JsonFormatter(logging.Formatter):
    """Format a record as one line of JSON: time (UTC), level, logger, message, and the run and traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, without a line break."""
        values = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if run := getattr(record, "run", None):
            values["run"] = run
        if record.exc_info:
            values["traceback"] = self.formatException(record.exc_info)
        return json.dumps(values, ensure_ascii=False)


def configure(stream: TextIO | None = None) -> None:
    """Send the records of brainseg's loggers to a stream, in the format that the environment variables set.

    Args:
        stream: By default standard error.

    Raises:
        ConfigError: An environment variable has an unknown value.
    """
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        JsonFormatter() if wants_json() else logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    )
    level = wanted_level()
    _install([(handler, level)])


def configure_training(records: Path, stream: TextIO | None = None) -> None:
    """Send the records of brainseg's loggers to the log of a training: each line has a time and a message.

    Args:
        records: File for the same records as JSON lines, written if `BRAINSEG_LOG=json`.
        stream: By default standard output, which is the log file of the training.

    Raises:
        ConfigError: An environment variable has an unknown value.
    """
    text = logging.StreamHandler(stream or sys.stdout)
    text.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    level = wanted_level()
    # People follow a training by these messages, so no level hides them.
    handlers: list[tuple[logging.Handler, int]] = [(text, min(level, logging.INFO))]
    if wants_json():
        lines = logging.FileHandler(records, encoding="utf-8")
        lines.setFormatter(JsonFormatter())
        handlers.append((lines, level))
    _install(handlers)


def wants_json() -> bool:
    """Return whether `BRAINSEG_LOG` asks for JSON lines.

    Raises:
        ConfigError: It has an unknown value.
    """
    log_format = os.environ.get("BRAINSEG_LOG", "text")
    if log_format not in ("text", "json"):
        raise ConfigError(f"BRAINSEG_LOG is {log_format!r}: set it to text or json.")
    return log_format == "json"


def wanted_level() -> int:
    """Return the level in `BRAINSEG_LOG_LEVEL`, as a number of `logging`.

    Raises:
        ConfigError: It has an unknown value.
    """
    level = os.environ.get("BRAINSEG_LOG_LEVEL", "info").lower()
    if level not in LEVELS:
        raise ConfigError(f"BRAINSEG_LOG_LEVEL is {level!r}: set it to {', '.join(LEVELS[:-1])} or {LEVELS[-1]}.")
    return logging.getLevelNamesMapping()[level.upper()]


def _install(handlers: list[tuple[logging.Handler, int]]) -> None:
    logger = logging.getLogger(ROOT)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    for handler, level in handlers:
        handler.setLevel(level)
        logger.addHandler(handler)
    logger.setLevel(min(level for _, level in handlers))
    logger.propagate = False

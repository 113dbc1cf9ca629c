"""Stored rows of a benchmark: one JSON object per line, so that what was measured is not measured again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "results"


class Rows:
    """The rows of one benchmark.

    Args:
        name: Name of its file in `benchmarks/results`, without `.jsonl`.
        key: The fields that tell two rows apart.
    """

    def __init__(self, name: str, key: Sequence[str]) -> None:
        self.file = FOLDER / f"{name}.jsonl"
        self.key = key

    def stored(self) -> list[dict[str, Any]]:
        """Return the rows measured so far."""
        return [json.loads(line) for line in self.file.read_text().splitlines()] if self.file.exists() else []

    def has(self, *values: object) -> bool:
        """Return whether there is a row with these values of the key, in its order."""
        return any([row[field] for field in self.key] == list(values) for row in self.stored())

    def add(self, row: dict[str, Any]) -> None:
        """Append a row."""
        with self.file.open("a") as stream:
            stream.write(json.dumps(row) + "\n")


def of_the_model(settings: Sequence[str]) -> list[str]:
    """Return those of a user's settings that change the model; threads and priority only change the time."""
    return sorted(setting for setting in settings if not setting.startswith("compute."))

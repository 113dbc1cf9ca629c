"""Bundles that a test edits, with the checks that notice it satisfied or not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from brainseg.models.description import CHECKSUM, DESCRIPTION, bundle_digest, content_digest, read_description
from brainseg.runs import RunStore


def edit(folder: Path, change: Callable[[dict[str, Any]], object], sealed: bool = True) -> None:
    """Change what a bundle says of itself; `sealed` computes its checksum again, as brainseg itself would."""
    values = json.loads((folder / DESCRIPTION).read_text("utf-8"))
    change(values)
    if sealed:
        values[CHECKSUM] = content_digest(values)
    (folder / DESCRIPTION).write_text(json.dumps(values), encoding="utf-8")


def edit_of_run(run_id: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Change the bundle of a run, and what the run records of it."""
    store = RunStore()
    folder = store.path(run_id, "bundle")
    edit(folder, change)
    store.record_bundle(run_id, bundle_digest(folder, read_description(folder)))

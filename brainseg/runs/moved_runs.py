"""Updates the runs of a home in a shared store after the home was moved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from brainseg.runs.identity import Identity, has_identity, identify, save_identity
from brainseg.runs.migrations import PREFIX, SCHEMA, migrated
from brainseg.runs.moved_paths import moved_config
from brainseg.runs.reading import read_run
from brainseg.runs.run import Run

if TYPE_CHECKING:
    from brainseg.runs.store import RunStore


def home_identity(store: RunStore) -> str:
    """Return the id of the open home, after updating its runs if the home was moved."""
    with FileLock(store.home / "home.lock"):
        identity = identify(store.home)
        if identity.path != str(store.home):
            _update(store, identity)
            save_identity(store.home, identity)
        return identity.id


def _update(store: RunStore, old: Identity) -> None:
    ids = {old.id} if has_identity(Path(old.path)) else {old.id, ""}
    for stored in store.stored_runs():
        run = read_run(stored)
        if run.home_folder == old.path and run.home_id in ids:
            tags = {PREFIX + "host": str(store.home), PREFIX + "home": old.id}
            if isinstance(run, Run):
                config = moved_config(run.config, Path(old.path), store.home).model_dump_json()
                # The settings are written in this schema, so all other tags must be, too.
                own = {name: value for name, value in migrated(stored.data.tags).items() if name.startswith(PREFIX)}
                tags = {**own, **tags, PREFIX + "config": config, PREFIX + "schema": str(SCHEMA)}
            store.set_tags(run.id, tags)

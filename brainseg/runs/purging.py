"""The records of deleted runs: MLflow keeps names, notes and settings in its database until they are purged."""

from __future__ import annotations

from typing import Any

from brainseg.runs.store import RunStore


def deleted_runs(store: RunStore, days: float) -> dict[str, str]:
    """Return the runs of a store that were deleted at least so many days ago: id -> name.

    Runs of other homes and other experiments are left out; a store behind an MLflow server gives none.
    """
    records = _records(store)
    if records is None:
        return {}
    found = {}
    for run_id in records._get_deleted_runs(older_than=int(days * 86_400_000)):
        run = store.stored_run(run_id)
        mine = run is not None and run.data.tags.get("brainseg.host") == str(store.home)
        if run is not None and (store.private or mine):
            found[run_id] = run.info.run_name or run_id[:8]
    return found


def purge(store: RunStore, run_id: str) -> None:
    """Remove the record of a deleted run from the database for good; its files went when it was deleted."""
    records = _records(store)
    run = store.stored_run(run_id)
    if records is not None and run is not None and run.info.lifecycle_stage == "deleted":
        records._hard_delete_run(run_id)


def _records(store: RunStore) -> Any:  # noqa: ANN401 - MLflow's own store, whose methods for `mlflow gc` are used
    """Return MLflow's store over the database; None if only a server reaches the database."""
    from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
    from mlflow.tracking._tracking_service.utils import _get_store

    store.client  # noqa: B018 - checks the database first
    found = _get_store(store.uri)  # type: ignore[no-untyped-call]
    return found if isinstance(found, SqlAlchemyStore) else None

"""What one person may have: waiting runs and disk space. Only people who have signed in on a page have such limits."""

from __future__ import annotations

from pathlib import Path

from brainseg import paths
from brainseg.errors import LimitError
from brainseg.files import file_state
from brainseg.runs import RunStore
from brainseg.users.actor import current

QUEUE, DISK = "BRAINSEG_MAX_QUEUE_PER_USER", "BRAINSEG_MAX_DISK_PER_USER_MB"


def refuse_if_share_is_used(store: RunStore, more: int = 1) -> None:
    """Refuse further runs of a person who has as many waiting ones, or as much on the disk, as one person may have.

    Raises:
        LimitError: A limit is reached.
        ConfigError: A limit is not a number, or is negative.
    """
    actor, most = current(), paths.optional_limit(QUEUE)
    if most is not None and actor.signed_in:
        waiting = sum(actor.owns(run.owner) and not run.is_parent for run in store.list(["SCHEDULED"]))
        if waiting + more > most:
            raise LimitError(
                f"You have {waiting} waiting runs, and would have {waiting + more}, but {most:g} are allowed for one "
                f"person ({QUEUE}): wait until one of them starts, or cancel some."
            )
    refuse_if_disk_share_is_used(store)


def refuse_if_disk_share_is_used(store: RunStore) -> None:
    """Refuse further uploads and runs of a person whose runs and datasets take as much space as they may.

    Raises:
        LimitError: The limit is reached.
        ConfigError: The limit is not a number, or is negative.
    """
    actor, most = current(), paths.optional_limit(DISK)
    if most is None or not actor.signed_in:
        return
    from brainseg.datasets.registry import known_datasets  # imports pandas, which a worker can spare

    home = paths.home()
    mine = [home / folder / run.id for run in store.entries() if actor.owns(run.owner) for folder in ("runs", "work")]
    mine += [Path(known.path) for known in known_datasets() if actor.owns(known.owner) and known.source != "folder"]
    used = sum(map(_size, mine)) / 1e6
    if used >= most:
        raise LimitError(
            f"Your runs and datasets take {used:,.0f} MB, and {most:,g} MB are allowed for one person ({DISK}): delete "
            "some of your runs, or ask an administrator to remove a dataset."
        )


def _size(place: Path) -> int:
    return sum(state[1] for file in place.rglob("*") if not file.is_dir() and (state := file_state(file)))

"""`--wait`: waits for a run whose work other runs do, such as a cross-validation or a search."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from brainseg.cli.output import NOTES, counter

if TYPE_CHECKING:
    from brainseg.runs import Run, RunStore

POLL = 1.0
INCOMPLETE = 2
"""Exit code of a command with `--wait` if the run did not finish."""
INTERRUPTED = 130


def wait_for(
    store: RunStore, parent: Run, label: str, ended: Callable[[Run], tuple[int, int] | None], interrupted: str
) -> Run:
    """Return a run when it has ended, and show meanwhile how many of its runs have.

    Args:
        store: The run store.
        parent: The run.
        label: What is counted, such as "Folds ended".
        ended: Returns (ended, all) of the run's runs; None if that is not known.
        interrupted: Printed at Ctrl-C, which ends the wait and nothing else.

    Raises:
        typer.Exit: The user pressed Ctrl-C.
    """
    from brainseg.jobs.queue import reconcile
    from brainseg.runs import ENDED

    bar, report_progress = counter(label)
    try:
        with bar:
            while parent.status not in ENDED:
                if counts := ended(parent):
                    report_progress(*counts)
                time.sleep(POLL)
                reconcile(store)
                parent = store.get(parent.id)
    except KeyboardInterrupt:
        NOTES.print(interrupted, markup=False)
        raise typer.Exit(INTERRUPTED) from None
    return parent

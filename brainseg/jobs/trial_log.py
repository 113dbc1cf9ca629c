"""The `RunLog` of a trial: it ends the training if the trial is worse than the median of the others."""

from __future__ import annotations

import math

from brainseg.errors import RunError
from brainseg.jobs.search_trials import history, planned_epochs, value_of
from brainseg.jobs.store_log import StoreLog
from brainseg.jobs.workspace import Workspace
from brainseg.runs import Run, RunStore
from brainseg.runs.search import trials_of
from brainseg.tasks import facts_of
from brainseg.training.log import EpochMetrics


class TrialLog(StoreLog):
    """The log of one trial. It learns of the other trials' epochs from the run store, whatever trained them.

    Args:
        store: The run store.
        workspace: The run's workspace.
        run: The trial.
        search: Its search.
    """

    def __init__(self, store: RunStore, workspace: Workspace, run: Run, search: Run) -> None:
        super().__init__(store, workspace)
        self.run, self.search = run, search
        self.mine = history(store, run)
        self.others: dict[str, dict[int, float]] = {}

    def epoch(self, metrics: EpochMetrics) -> None:
        """Store the metrics of an epoch, and decide whether the trial goes on."""
        again = metrics.epoch in self.stored
        super().epoch(metrics)
        value = metrics.to_dict().get(facts_of(self.run.config.task).headline)
        if again or value is None or not math.isfinite(value):
            return
        self.mine[metrics.epoch] = value
        if not self.pruned:
            self.pruned = self._decided()

    def _decided(self) -> str:
        """Return why the trial ends now; "" if it goes on."""
        from brainseg.search.pruning import prune_sentence  # imports Optuna

        plan = self.search.search
        if plan is None:
            return ""
        for run in trials_of(self.search, self.store.all_children(self.search)):
            if run.id not in self.others and value_of(run, plan) is not None:
                self.others[run.id] = history(self.store, run)
        words = facts_of(self.run.config.task).headline_words
        return prune_sentence(self.mine, list(self.others.values()), planned_epochs(self.run.config), words)

    def cancelled(self) -> bool:
        """Return whether the training should stop: the user asked to cancel it, or it is pruned."""
        return super().cancelled() or bool(self.pruned)


def log_of(store: RunStore, run: Run, workspace: Workspace) -> StoreLog:
    """Return the log of a run: of a trial, one that may prune it."""
    if run.trial and not run.trial.confirms and run.parent:
        try:
            search = store.get(run.parent)
        except RunError:  # the search was deleted
            return StoreLog(store, workspace)
        if search.search and search.search.prune:
            return TrialLog(store, workspace, run, search)
    return StoreLog(store, workspace)

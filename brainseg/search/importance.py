"""How much each setting mattered in a search, by Optuna's own evaluator."""

from __future__ import annotations

from collections.abc import Sequence

from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from brainseg.search.plan import SearchPlan
from brainseg.search.study import open_study
from brainseg.search.trials import Trial

METHOD = "PED-ANOVA"
LEAST = 4
"""Fewest complete trials for an estimate."""


def importances(plan: SearchPlan, trials: Sequence[Trial]) -> dict[str, float]:
    """Return the importance of each setting for reaching the best trials, the largest first; they add up to 1.

    The estimate compares how the settings of the better trials are distributed with those of all trials (S. Watanabe,
    A. Bansal and F. Hutter 2023, "PED-ANOVA", IJCAI, 4389-4396).

    Args:
        plan: The search.
        trials: All its trials; only complete ones count.

    Returns:
        Nothing with fewer than `LEAST` complete trials, or if all have the same value.
    """
    complete = [trial for trial in trials if trial.state == "complete"]
    if len(complete) < LEAST or len({trial.value for trial in complete}) < 2:
        return {}
    study = open_study(None, "importance", plan, complete)
    varied = [name for name in plan.names if len({str(trial.point[name]) for trial in complete}) > 1]
    try:
        found = get_param_importances(study, evaluator=PedAnovaImportanceEvaluator(), params=varied)
    except (ValueError, RuntimeError):  # too few of the trials are better than the others
        return {}
    return {name: float(value) for name, value in found.items()} | {
        name: 0.0 for name in plan.names if name not in varied
    }

"""The settings in which compared runs differ."""

from __future__ import annotations

import pandas as pd

from brainseg.results.comparison import Comparison


def settings_that_differ(comparison: Comparison) -> pd.DataFrame:
    """Return one row per setting in which the runs differ: its dotted name, and one column per run.

    Values are texts; those that are the same in all runs are left out. Ensembles have no settings.
    """
    runs = {name: evaluated.run for name, evaluated in comparison.runs.items()}
    settings = {name: run.config.flat() for name, run in runs.items() if not run.members}
    rows = []
    for setting in dict.fromkeys(key for flat in settings.values() for key in flat):
        values = {name: str(flat.get(setting, "")) for name, flat in settings.items()}
        if len(set(values.values())) > 1:
            rows.append({"Setting": setting, **values})
    return pd.DataFrame(rows, columns=["Setting", *settings])

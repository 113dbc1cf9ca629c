"""Which programs may ask for the metrics; a module of its own, since the command that starts the server needs it."""

from __future__ import annotations

import os

from brainseg.errors import ConfigError


def metrics_for_all() -> bool:
    """Return whether programs on other machines may ask for the metrics.

    Raises:
        ConfigError: `BRAINSEG_METRICS` has an unknown value.
    """
    value = os.environ.get("BRAINSEG_METRICS", "") or "local"
    if value not in ("local", "network"):
        raise ConfigError(f"BRAINSEG_METRICS is {value!r}: set it to local or network.")
    return value == "network"

"""Tables as CSV, for downloads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from brainseg import DISCLAIMER

if TYPE_CHECKING:
    import pandas as pd


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return a table as CSV in UTF-8, with the disclaimer in each row, since people copy single rows."""
    return table.assign(disclaimer=DISCLAIMER).to_csv(index=False).encode()

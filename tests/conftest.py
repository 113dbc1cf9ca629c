from __future__ import annotations

import os
from pathlib import Path

import pytest

PROJECT_ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder whose `data/` holds real images; see its README for what is in there."""
    folder = Path(os.environ.get("BRAINSEG_SHARED") or PROJECT_ROOT.parent / "shared")
    if not (folder / "data").is_dir():
        pytest.skip(f"no real data: {folder / 'data'} does not exist (set BRAINSEG_SHARED to the folder above data/)")
    return folder

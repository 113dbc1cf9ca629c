from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """A home folder, where the key of hashed identifiers is kept."""
    monkeypatch.setenv("BRAINSEG_HOME", str(tmp_path / "home"))

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from importlib import import_module
from types import ModuleType

import pytest

from brainseg import imports


@pytest.fixture(autouse=True)
def thawed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A collector that searches everything, before and after the test."""
    monkeypatch.setattr(imports, "_modules", 0)
    gc.unfreeze()
    yield
    gc.unfreeze()


@pytest.mark.parametrize("enabled", [True, False])
def test_the_collector_pauses_during_imports_and_is_as_before_afterwards(enabled: bool) -> None:
    if not enabled:
        gc.disable()
    try:
        with imports.without_garbage_collection():
            assert not gc.isenabled()
        assert gc.isenabled() is enabled
        with pytest.raises(ImportError), imports.without_garbage_collection():
            import_module("brainseg.no_such_module")
        assert gc.isenabled() is enabled
    finally:
        gc.enable()


def test_what_was_imported_is_not_searched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    searched = len(gc.get_objects())
    with imports.without_garbage_collection():
        pass
    assert gc.get_freeze_count() > searched / 2 > len(gc.get_objects())

    gc.unfreeze()
    imports.exclude_modules()  # nothing is new
    assert gc.get_freeze_count() == 0
    monkeypatch.setitem(sys.modules, "a_new_one", ModuleType("a_new_one"))
    imports.exclude_modules()
    assert gc.get_freeze_count() > searched / 2

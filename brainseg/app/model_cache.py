"""Models in memory, shared by all visitors, loaded in the background; torch is imported by the loading thread alone."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from brainseg.app import live_store
from brainseg.errors import BrainsegError
from brainseg.models.description import BundleDescription, bundle_digest, read_description
from brainseg.runs import Run
from brainseg.runs.store import check_digest

if TYPE_CHECKING:
    from brainseg.diagnosis.predictor import Predictor
    from brainseg.diagnosis.segmenter import Segmenter

    Model = Predictor | Segmenter

MOST = 7
"""Models kept in memory at a time: an ensemble, what marks tumours beside it, and another visitor's; a ResNet152 takes
about 230 MB."""

VERSION_DIGITS = 12
Key = tuple[str, str, tuple[int, ...]]


class Shelf:
    """The models in use: each is loaded once, in a thread of its own, and the one unused for longest goes first."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._models: OrderedDict[Key, Future[Model]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, folder: Path, task: str = "classify") -> Future[Model]:
        """Return a bundle's predictor or segmenter, perhaps still being loaded; one that changed is loaded again.

        Args:
            folder: Of the bundle.
            task: What the model is asked to do.
        """
        key = (task, str(folder), _stamp(folder))
        with self._lock:
            found = self._models.get(key)
            if found is None:
                found = Future()
                threading.Thread(target=_load, args=(folder, task, found), name=f"load {folder}", daemon=True).start()
                self._models[key] = found
            self._models.move_to_end(key)
            while len(self._models) > self.most:
                self._models.popitem(last=False)
            return found

    def drop(self, failed: Future[Model]) -> None:
        """Forget what could not be loaded, so that the next request tries again."""
        with self._lock:
            self._models = OrderedDict((key, kept) for key, kept in self._models.items() if kept is not failed)


_SHELF = Shelf()


def predictor(run_id: str) -> Predictor:
    """Return a finished run's model, ready to diagnose; waits where it has to be loaded first. Safe in any thread.

    Raises:
        RunError: There is no such run, or it has no model.
        BundleError: The bundle is missing, damaged or was changed, or is of a model that marks tumours.
    """
    return _result(_SHELF.take(bundle_folder(run_id)))


def segmenter(run_id: str) -> Segmenter:
    """Return a finished run's model, ready to mark tumours; otherwise as `predictor`.

    Raises:
        RunError: There is no such run, or it has no model.
        BundleError: The bundle is missing, damaged or was changed, or is of a classifier.
    """
    return _result(_SHELF.take(bundle_folder(run_id), "segment"))


def ready(run_id: str, task: str = "classify") -> bool:
    """Say whether a model is in memory, and have it loaded in the background if it is not.

    Raises:
        RunError: There is no such run, or it has no model.
        BundleError: The bundle is missing, damaged or was changed, or is of a model of another task.
    """
    loading = _SHELF.take(bundle_folder(run_id), task)
    if not loading.done():
        return False
    _result(loading)
    return True


def warm_up() -> None:
    """Have torch imported and the promoted models loaded in the background; returns at once and never raises."""
    # A fault here is told to whoever asks for the model; nobody has asked yet.
    with suppress(BrainsegError):
        _import_torch()
        for task in ("classify", "segment"):
            if promoted := live_store.promoted(task):
                _SHELF.take(bundle_folder(promoted.id), task)


def description(run_id: str) -> tuple[BundleDescription, str]:
    """Return what a finished run's bundle says of itself, and its version; neither model nor torch are loaded for it.

    Raises:
        RunError: There is no such run, or it has no model.
        BundleError: `bundle.json` is missing, damaged or not the one that the training wrote.
    """
    folder = bundle_folder(run_id)
    found = read_description(folder)
    digest = bundle_digest(folder, found)
    check_digest(_run(live_store.store().uri, run_id), digest)  # the folder may have changed since it was looked up
    return found, digest[:VERSION_DIGITS]


def bundle_folder(run_id: str) -> Path:
    """Return the folder of a finished run's bundle.

    Raises:
        RunError: There is no such run, or it has no model.
    """
    return _bundle_folder(live_store.store().uri, run_id)


@st.cache_data(max_entries=500, show_spinner=False)
def _bundle_folder(uri: str, run_id: str) -> Path:
    """Remembered, since a remote store would send the whole bundle again."""
    store = live_store.store()
    return store.bundle(store.get(run_id))


@st.cache_data(max_entries=500, show_spinner=False)
def _run(uri: str, run_id: str) -> Run:
    """Remembered: what a finished run records of its bundle does not change."""
    return live_store.run(run_id)


@st.cache_resource(show_spinner=False)
def _import_torch() -> None:
    """Once a server."""
    threading.Thread(target=lambda: import_module("brainseg.diagnosis.predictor"), name="torch", daemon=True).start()


def _result(loading: Future[Model]) -> Model:
    try:
        return loading.result()
    except Exception:
        _SHELF.drop(loading)
        _bundle_folder.clear()
        raise


def _load(folder: Path, task: str, into: Future[Model]) -> None:
    try:
        from brainseg.diagnosis.predictor import Predictor
        from brainseg.diagnosis.segmenter import Segmenter

        into.set_result((Segmenter if task == "segment" else Predictor).open(folder))
    except BaseException as error:  # whoever waits gets it
        into.set_exception(error)


def _stamp(folder: Path) -> tuple[int, ...]:
    """Return when and how large the bundle's files are; empty where there are none."""
    return tuple(value for file in sorted(folder.glob("*")) for value in (file.stat().st_mtime_ns, file.stat().st_size))

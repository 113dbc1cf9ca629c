"""Models in memory, shared by all visitors and loaded in the background; only the loading thread imports torch."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from concurrent.futures import Future
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, cast

import streamlit as st

from brainseg.app import live_store
from brainseg.errors import BrainsegError, BundleError
from brainseg.files import file_state
from brainseg.imports import without_garbage_collection
from brainseg.models.description import BundleDescription, bundle_digest, read_description
from brainseg.models.export.names import FOLDER as EXPORTS
from brainseg.runs import Run
from brainseg.runs.digests import check_digest
from brainseg.runs.ensembles import OpenEnsemble, open_ensemble

if TYPE_CHECKING:
    from brainseg.diagnosis.predictor import Predictor
    from brainseg.diagnosis.segmenter import Segmenter

    Model = Predictor | Segmenter

MOST = 7
"""Most models kept in memory: an ensemble, a segmentation model, and another visitor's model. A ResNet152 takes about
230 MB."""

PAUSE = 1.0
"""Seconds in which the server's first page is sent and drawn: an import beside it would slow it down."""
VERSION_DIGITS = 12
Key = tuple[str, str, tuple[tuple[int, int] | None, ...]]


class ModelCache:
    """The models in use: each is loaded once, in its own thread; the least recently used is dropped first."""

    def __init__(self, most: int = MOST) -> None:
        self.most = most
        self._models: OrderedDict[Key, Future[Model]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, folder: Path, task: str = "classify") -> Future[Model]:
        """Return a bundle's predictor or segmenter, which may still be loading; a changed bundle is loaded again.

        Args:
            folder: Folder of the bundle.
            task: Task of the model.
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

    def evict(self, failed: Future[Model]) -> None:
        """Remove a model that could not be loaded: the next request tries again."""
        with self._lock:
            self._models = OrderedDict((key, kept) for key, kept in self._models.items() if kept is not failed)


_CACHE = ModelCache()


def predictor(run_id: str) -> Predictor:
    """Return a finished run's classifier; wait until it is loaded. Safe in any thread.

    Raises:
        RunError: There is no such run, or it has no model.
        BundleError: The bundle is missing, damaged or changed, or it holds a segmentation model.
    """
    return cast("Predictor", _result(_CACHE.get(bundle_folder(run_id))))  # `_load` makes one for this task


def segmenter(run_id: str) -> Segmenter:
    """Return a finished run's segmentation model; wait until it is loaded. Safe in any thread.

    Raises:
        RunError: There is no such run, or it has no model.
        BundleError: The bundle is missing, damaged or changed, or it holds a classifier.
    """
    return cast("Segmenter", _result(_CACHE.get(bundle_folder(run_id), "segment")))  # `_load` makes one for this task


def ready(run_id: str, task: str = "classify") -> bool:
    """Return whether a model is in memory; if it is not, start loading it in the background.

    Raises:
        RunError: There is no such run, or it has no model.
        BundleError: The bundle is missing, damaged or changed, or it holds a model for another task.
    """
    loading = _CACHE.get(bundle_folder(run_id), task)
    if not loading.done():
        return False
    _result(loading)
    return True


def warm_up() -> None:
    """Start importing torch and loading the promoted models in the background; return at once."""
    # No visitor has asked for a model yet: errors are shown when one does.
    with suppress(BrainsegError):
        _import_torch()
        for folder, task in _promoted():
            _CACHE.get(folder, task)


def warm_up_later() -> None:
    """Do the same once per server, after its first page has reached the browser, if there is a model.

    Visitors who begin on another page then find the models in memory when they come to Diagnose.
    """
    started = _warming_up()
    with suppress(BrainsegError):
        if live_store.is_open() and not started.is_set() and (models := _promoted()):
            started.set()
            threading.Thread(target=_warm_up_after_a_pause, args=(models,), name="warm up", daemon=True).start()


def _promoted() -> list[tuple[Path, str]]:
    """Return the bundles of the models that Diagnose offers first, each with its task."""
    offered = {task: live_store.promoted(task) for task in ("classify", "segment")}
    return [
        (bundle_folder(run_id), task)
        for task, run in offered.items()
        if run
        for run_id in [member.run for member in run.members] or [run.id]
    ]


def description(run_id: str) -> tuple[BundleDescription, str]:
    """Return the description and the version of a finished run's bundle, without loading the model or torch.

    Raises:
        RunError: There is no such run, or it has no model.
        BundleError: `bundle.json` is missing, damaged or not the one that the training wrote.
    """
    folder = bundle_folder(run_id)
    found = read_description(folder)
    digest = bundle_digest(folder, found)
    uri = live_store.store().uri
    try:
        check_digest(_run(uri, run_id), digest)  # the folder may have changed since it was looked up
    except BundleError:
        _run.clear()  # or `calibrate` may have replaced the bundle since the run was
        check_digest(_run(uri, run_id), digest)
    return found, digest[:VERSION_DIGITS]


def ensemble(run_id: str) -> OpenEnsemble:
    """Return a stored ensemble, after checking that its members are the models that it was evaluated with.

    Raises:
        RunError: There is no such run, or it is no ensemble.
        BundleError: Its file is damaged, or a member was deleted, changed or damaged.
    """
    return open_ensemble(live_store.store(), live_store.run(run_id))


def bundle_folder(run_id: str) -> Path:
    """Return the folder of a finished run's bundle.

    Raises:
        RunError: There is no such run, or it has no model.
    """
    return _bundle_folder(live_store.store().uri, run_id)


@st.cache_data(max_entries=500, show_spinner=False)
def _bundle_folder(uri: str, run_id: str) -> Path:
    """Cached: a remote store would send the whole bundle again."""
    store = live_store.store()
    found = store.get(run_id)
    bundle = store.bundle(found)
    store.exports(found)
    return bundle


@st.cache_data(max_entries=500, show_spinner=False)
def _run(uri: str, run_id: str) -> Run:
    """Cached: what a finished run records about its bundle changes only when it is calibrated again."""
    return live_store.run(run_id)


@st.cache_resource(show_spinner=False)
def _import_torch() -> None:
    """Once per server."""
    threading.Thread(target=_import_predictor, name="torch", daemon=True).start()


@st.cache_resource(show_spinner=False)
def _warming_up() -> threading.Event:
    """Whether `warm_up_later` has begun, for the whole server."""
    return threading.Event()


def _warm_up_after_a_pause(models: list[tuple[Path, str]]) -> None:
    time.sleep(PAUSE)
    _import_predictor()
    for folder, task in models:
        _CACHE.get(folder, task)


def _import_predictor() -> None:
    with without_garbage_collection():
        import_module("brainseg.diagnosis.predictor")


def _result(loading: Future[Model]) -> Model:
    try:
        return loading.result()
    except Exception:
        _CACHE.evict(loading)
        _bundle_folder.clear()
        raise


def _load(folder: Path, task: str, into: Future[Model]) -> None:
    try:
        from brainseg.diagnosis.predictor import Predictor
        from brainseg.diagnosis.segmenter import Segmenter

        opened: dict[str, type[Predictor | Segmenter]] = {"classify": Predictor, "segment": Segmenter}
        into.set_result(opened[task].open(folder, backend="auto"))
    except BaseException as error:  # raised again in the waiting thread
        into.set_exception(error)


def _stamp(folder: Path) -> tuple[tuple[int, int] | None, ...]:
    """Return the modification times and sizes of the bundle's and its exports' files; empty if there are none."""
    return tuple(map(file_state, sorted([*folder.glob("*"), *(folder.parent / EXPORTS).glob("*")])))

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import numpy as np
import pytest

from brainseg.app import model_cache
from brainseg.app.model_cache import ModelCache
from brainseg.diagnosis.segmenter import Segmentation
from brainseg.errors import BundleError
from tests.bundles import edit
from tests.diagnosis.conftest import draw_head
from tests.diagnosis.test_segmenter import FACTS, marking
from tests.models.conftest import make_classifier, store

THREADS, SCANS = 8, 5


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("bundles")
    return [store(folder / str(seed), make_classifier(seed=seed), name=f"model {seed}") for seed in range(3)]


@pytest.fixture(scope="module")
def scans(tmp_path_factory: pytest.TempPathFactory):
    from PIL import Image

    from brainseg.scans import read_scan

    folder = tmp_path_factory.mktemp("scans")
    for seed in range(SCANS):
        Image.fromarray(draw_head(seed)).save(folder / f"{seed}.png")
    return [read_scan(file) for file in sorted(folder.iterdir())]


@pytest.fixture
def named(bundles, monkeypatch):
    """Runs that are bundles: their ids are the numbers above."""
    cache = ModelCache()
    monkeypatch.setattr(model_cache, "_CACHE", cache)
    monkeypatch.setattr(model_cache, "bundle_folder", lambda run_id: bundles[int(run_id)])
    return cache


def test_one_model_serves_all(named) -> None:
    start = Barrier(THREADS)

    def take(_: int):
        start.wait()
        return model_cache.predictor("0")

    with ThreadPoolExecutor(THREADS) as pool:
        assert len({id(found) for found in pool.map(take, range(THREADS))}) == 1


def test_visitors_at_once_get_the_serial_maps(named, scans) -> None:
    serial = [model_cache.predictor("0").diagnose(scan).heatmap for scan in scans]
    start = Barrier(THREADS)

    def visit(thread: int) -> list[tuple[int, np.ndarray]]:
        start.wait()
        order = [(thread + step) % SCANS for step in range(SCANS)]
        return [(number, model_cache.predictor("0").diagnose(scans[number]).heatmap) for number in order]

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [answer for part in pool.map(visit, range(THREADS)) for answer in part]
    assert len(answers) == THREADS * SCANS
    for number, heatmap in answers:
        np.testing.assert_allclose(heatmap, serial[number], rtol=0, atol=1e-5)


def test_visitors_at_once_get_the_serial_masks(named, scans, tmp_path, monkeypatch) -> None:
    folder = store(tmp_path / "unet", marking(), ("background", "tumour"), **FACTS)
    monkeypatch.setattr(model_cache, "bundle_folder", lambda _: folder)
    serial = [model_cache.segmenter("x").segment(scan) for scan in scans]
    assert all(found.regions for found in serial)
    start = Barrier(THREADS)

    def visit(thread: int) -> list[tuple[int, Segmentation]]:
        start.wait()
        order = [(thread + step) % SCANS for step in range(SCANS)]
        return [(number, model_cache.segmenter("x").segment(scans[number])) for number in order]

    with ThreadPoolExecutor(THREADS) as pool:
        answers = [answer for part in pool.map(visit, range(THREADS)) for answer in part]
    assert len(answers) == THREADS * SCANS
    for number, found in answers:
        np.testing.assert_allclose(found.probabilities, serial[number].probabilities, rtol=0, atol=1e-5)
        assert (found.mask != serial[number].mask).mean() < 1e-3


def test_classifiers_and_what_marks_tumours_are_in_one_cache(named, tmp_path, monkeypatch) -> None:
    unet = store(tmp_path / "unet", marking(), ("background", "tumour"), **FACTS)
    classifier = model_cache.bundle_folder("0")
    monkeypatch.setattr(model_cache, "bundle_folder", lambda run_id: unet if run_id == "unet" else classifier)
    predictor, segmenter = model_cache.predictor("0"), model_cache.segmenter("unet")
    assert model_cache.predictor("0") is predictor
    assert model_cache.segmenter("unet") is segmenter
    assert model_cache.ready("unet", "segment")
    assert len(named._models) == 2
    with pytest.raises(BundleError, match="marks tumours"):
        model_cache.predictor("unet")
    with pytest.raises(BundleError, match="classifies images"):
        model_cache.segmenter("0")
    assert len(named._models) == 2, "what could not be loaded is forgotten"


def test_a_model_is_ready_once_it_is_loaded_and_not_before(named, monkeypatch) -> None:
    gate, real = threading.Event(), model_cache._load
    monkeypatch.setattr(model_cache, "_load", lambda *args: gate.wait(60) and real(*args))
    assert not model_cache.ready("1")
    gate.set()
    model_cache.predictor("1")
    assert model_cache.ready("1")


def test_the_model_unused_for_longest_leaves_first(bundles) -> None:
    cache = ModelCache(most=2)
    first, second = (cache.get(folder).result() for folder in bundles[:2])
    assert cache.get(bundles[0]).result() is first
    cache.get(bundles[2]).result()
    assert cache.get(bundles[0]).result() is first
    assert cache.get(bundles[1]).result() is not second


def test_a_bundle_that_changed_is_loaded_again_and_a_damaged_one_is_refused_until_it_is_mended(
    named, tmp_path, monkeypatch
) -> None:
    folder = store(tmp_path / "bundle", make_classifier(seed=7), name="before")
    monkeypatch.setattr(model_cache, "bundle_folder", lambda _: folder)
    assert model_cache.predictor("x").description.name == "before"
    text = (folder / "bundle.json").read_text("utf-8")
    (folder / "bundle.json").write_text("{", "utf-8")
    for _ in range(2):
        with pytest.raises(BundleError):
            model_cache.predictor("x")
    with pytest.raises(BundleError):
        all(not model_cache.ready("x") and not threading.Event().wait(0.02) for _ in range(500))
    (folder / "bundle.json").write_text(text, "utf-8")
    edit(folder, lambda values: values.update(name="after"))
    assert model_cache.predictor("x").description.name == "after"


def test_a_description_says_what_the_model_says(named, home, monkeypatch) -> None:
    monkeypatch.setattr(model_cache, "check_digest", lambda run, digest: None)  # no run stands behind these bundles
    monkeypatch.setattr(model_cache, "_run", lambda uri, run_id: None)
    described, version = model_cache.description("2")
    assert model_cache.predictor("2").name == f"{described.name} ({version})"


def test_warming_up_an_empty_home_raises_nothing(home) -> None:
    model_cache.warm_up()


def test_warming_up_loads_the_promoted_model(named, monkeypatch) -> None:
    class Promoted:
        id = "1"
        members = ()

    monkeypatch.setattr(model_cache.live_store, "promoted", lambda task: Promoted if task == "classify" else None)
    model_cache.warm_up()
    assert len(named._models) == 1
    assert model_cache.predictor("1").description.name == "model 1"


def test_a_server_warms_up_once_after_its_first_page_if_there_is_a_model(named, home, monkeypatch) -> None:
    class Promoted:
        id = "1"
        members = ()

    offered, begun, load = {}, [], model_cache._warm_up_after_a_pause

    def begin(models: list[tuple[Path, str]]) -> None:
        load(models)
        begun.append(models)

    monkeypatch.setattr(model_cache, "PAUSE", 0)
    monkeypatch.setattr(model_cache, "_warm_up_after_a_pause", begin)
    monkeypatch.setattr(model_cache.live_store, "promoted", offered.get)
    offered["classify"] = Promoted
    model_cache.warm_up_later()
    assert not model_cache._warming_up().is_set()  # the page did not open the store: another attempt may take seconds
    model_cache.live_store.store()
    offered.clear()
    model_cache.warm_up_later()
    assert not model_cache._warming_up().is_set()
    offered["classify"] = Promoted
    for _ in range(3):
        model_cache.warm_up_later()
    for thread in threading.enumerate():
        if thread.name == "warm up":
            thread.join()
    assert len(begun) == len(named._models) == 1

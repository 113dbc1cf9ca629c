"""Answers from other backends and in batches: the same as single ones from torch, within the tolerance of the check."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from brainseg.diagnosis import gradcam, guard
from brainseg.diagnosis.batches import WORKERS, in_batches
from brainseg.diagnosis.guard import appearance
from brainseg.diagnosis.joint import diagnose_all_with, diagnose_jointly
from brainseg.diagnosis.predictor import Predictor
from brainseg.diagnosis.segmenter import Segmenter
from brainseg.diagnosis.uncertainty import measure_uncertainty
from brainseg.errors import BundleError
from brainseg.models.export.making import export_bundle
from brainseg.models.export.names import computed_with
from brainseg.models.export.serving import exports_of
from brainseg.models.unet import build_unet
from tests.models.conftest import live, make_classifier, store

UNET = {"task": "segment", "head": "u-net", "dropout": 0.0, "positive": None}


def squares() -> list[np.ndarray]:
    random = np.random.default_rng(1)
    return [random.integers(0, 255, (64, 64, 3), dtype=np.uint8) for _ in range(2)]


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bundle of a classifier, exported in both formats."""
    bundle = store(tmp_path_factory.mktemp("classifier") / "bundle", make_classifier(stages=(1, 2)))
    for name in ("onnx", "openvino"):
        export_bundle(bundle, exports_of(bundle), squares(), name)
    return bundle


@pytest.fixture(scope="session")
def exported_unet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(3)
    model = live(build_unet("resnet18", 2, (2,)))
    bundle = store(tmp_path_factory.mktemp("unet") / "bundle", model, ("background", "tumour"), **UNET)
    export_bundle(bundle, exports_of(bundle), squares(), "openvino")
    return bundle


def tolerance(predictor: Predictor | Segmenter) -> float:
    return 1e-3 if predictor.backend.precision == "fp32" else 2e-2


@pytest.mark.parametrize("backend", ["onnx", "openvino", "torch"])
def test_a_diagnosis_is_that_of_torch(backend, exported, scans) -> None:
    reference, other = Predictor.open(exported), Predictor.open(exported, backend=backend)
    for scan in scans:
        wanted, found = reference.diagnose(scan, "yes"), other.diagnose(scan, "yes")
        assert (wanted.backend, wanted.precision) == ("torch", "fp32")
        assert (found.backend, found.precision) == (backend, other.backend.precision)
        assert found.probabilities == pytest.approx(wanted.probabilities, abs=tolerance(other))
        assert np.abs(found.cam - wanted.cam).max() < (1e-3 if found.precision == "fp32" else 0.2)
        np.testing.assert_allclose(found.features, wanted.features, rtol=0.05, atol=0.02)
    # A heatmap from an earlier stage needs gradients through layers that only torch has.
    earlier = (each.diagnose(scans[0], "yes", "layer-cam", 1) for each in (reference, other))
    first, second = (each.cam for each in earlier)
    np.testing.assert_allclose(first, second, rtol=0, atol=1e-4)


@pytest.mark.parametrize("backend", ["openvino", "torch"])
def test_a_mask_is_that_of_torch(backend, exported_unet, scans) -> None:
    reference, other = Segmenter.open(exported_unet), Segmenter.open(exported_unet, backend=backend)
    for scan in scans:
        wanted, found = reference.segment(scan), other.segment(scan)
        assert (found.backend, found.precision) == (backend, other.backend.precision)
        assert np.abs(found.probabilities - wanted.probabilities).max() < 2 * tolerance(other)
        assert (found.mask != wanted.mask).mean() < 0.02


@pytest.mark.parametrize("backend", ["onnx", "openvino"])
def test_threads_share_a_predictor(backend, exported, scans) -> None:
    predictor = Predictor.open(exported, backend=backend)
    alone = [predictor.diagnose(scan, "yes") for scan in scans]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda scan: predictor.diagnose(scan, "yes"), scans * 6))
    for place, found in enumerate(together):
        wanted = alone[place % len(scans)]
        assert found.probabilities == pytest.approx(wanted.probabilities, abs=1e-4)
        np.testing.assert_allclose(found.heatmap, wanted.heatmap, rtol=0, atol=1e-2)


def test_a_heatmap_costs_one_pass_and_a_gradient_through_the_head(exported, scans, monkeypatch) -> None:
    predictor = Predictor.open(exported, backend="openvino")
    passes = []
    run = predictor.backend.run
    monkeypatch.setattr(predictor.backend, "run", lambda *given: passes.append(len(given[0])) or run(*given))
    monkeypatch.setattr(predictor.model.body, "levels", None)  # torch runs no layer of the body
    predictor.diagnose(scans[0])
    assert passes == [1]
    predictor.diagnose_all(scans, heatmaps=False)
    assert passes == [1, len(scans)], "a batch is one pass"


@pytest.mark.parametrize("backend", [None, "openvino"])
def test_a_batch_gives_the_answers_of_single_images(backend, exported, scans) -> None:
    predictor = Predictor.open(exported, backend=backend)
    drawn, bare = predictor.diagnose_all(scans), predictor.diagnose_all(scans, heatmaps=False)
    for scan, one, other in zip(scans, drawn, bare, strict=True):
        alone = predictor.diagnose(scan)
        for found in (one, other):
            assert found.probabilities == pytest.approx(alone.probabilities, abs=tolerance(predictor))
            assert (found.label, found.explained, found.method, found.stage, found.image_sha256) == (
                alone.label, alone.explained, alone.method, alone.stage, scan.sha256,
            )  # fmt: skip
            assert found.in_domain == alone.in_domain
        assert one.heatmap.shape == alone.heatmap.shape
        assert other.heatmap.shape == other.cam.shape == (0, 0)


def test_a_batch_draws_no_heatmap_that_nobody_asked_for(predictor, scans, monkeypatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("a heatmap was drawn")

    monkeypatch.setattr(gradcam, "_gradient", refuse)
    assert len(predictor.diagnose_all(scans, heatmaps=False)) == len(scans)


def test_a_batch_of_several_models_answers_as_each_image_alone(make_predictor, scans) -> None:
    models = [make_predictor(make_classifier(stages=(2,), seed=seed)) for seed in (0, 1)]
    for scan, found in zip(scans, diagnose_all_with(models, scans, heatmaps=False), strict=True):
        alone = diagnose_jointly(models, scan)
        assert found.probabilities == pytest.approx(alone.probabilities, abs=1e-5)
        assert (found.label, found.explained) == (alone.label, alone.explained)
        assert {member.explained for member in found.members} == {found.explained}
        assert (found.backend, found.precision) == ("torch", "fp32")


def test_uncertainty_is_that_of_the_backend_that_answers(exported, scans) -> None:
    predictor = Predictor.open(exported, backend="onnx")
    answer, found = predictor.diagnose(scans[0]), measure_uncertainty(predictor, scans[0])
    np.testing.assert_allclose(found.views[0], list(answer.probabilities.values()), rtol=0, atol=1e-4)


def test_values_of_another_size_are_refused(exported, scans, monkeypatch) -> None:
    predictor = Predictor.open(exported, backend="openvino")
    earlier = [torch.zeros(1, 64, 12, 12), torch.zeros(1, 128, 6, 6)]
    monkeypatch.setattr(predictor.backend, "run", lambda images, outputs: earlier)
    with pytest.raises(BundleError, match=r"OpenVINO returned values of the size 1 x 64 x 12 x 12 where images"):
        predictor.diagnose(scans[0])


def test_batches_keep_the_order_and_few_are_in_memory() -> None:
    lock, begun, taken = threading.Lock(), [0], [0]
    ahead: list[int] = []

    def work(batch: Sequence[int]) -> list[int]:
        with lock:
            begun[0] += 1
            ahead.append(begun[0] - taken[0])
        return [each * each for each in batch]

    for place, found in enumerate(in_batches(work, range(40), size=4)):
        assert found == place * place
        taken[0] = place // 4
    assert begun == [10]
    assert max(ahead) <= WORKERS + 2


def test_an_error_in_a_batch_reaches_the_caller_and_stops_the_rest() -> None:
    seen: list[int] = []

    def work(batch: Sequence[int]) -> Sequence[int]:
        seen.extend(batch)
        if batch[0] == 2:
            raise BundleError("broken")
        return batch

    with pytest.raises(BundleError, match="broken"):
        list(in_batches(work, range(1000), size=1))
    assert len(seen) < 20


def test_a_slice_that_is_surely_one_needs_no_further_facts(phantom_slices, monkeypatch) -> None:
    from brainseg.scans import read_scan

    pixels = read_scan(phantom_slices[0]).pixels
    monkeypatch.setattr(guard, "head_logit", lambda small: guard.SURE)
    facts: Callable[..., dict[str, float]] = guard.image_facts
    asked = []
    monkeypatch.setattr(guard, "image_facts", lambda *given: asked.append(1) or facts(*given))
    points = appearance(pixels, 0.0)
    assert not asked
    assert points == guard.oddities({name: facts(pixels)[name] for name in ("smaller_side", "colour")}, 0.0)


def test_what_computed_an_answer_is_named() -> None:
    assert computed_with("onnx", "fp32") == "ONNX Runtime (fp32)"

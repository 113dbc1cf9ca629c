"""The same network in torch, ONNX Runtime and OpenVINO, on images of any size and number."""

from __future__ import annotations

import gc
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from brainseg.errors import BundleError, MissingLibraryError
from brainseg.models.export import writing
from brainseg.models.export.backends import TorchBackend, run
from brainseg.models.export.folding import fold_batch_norm
from brainseg.models.export.graphs import Graph, file_outputs
from brainseg.models.export.onnx_backend import OnnxBackend
from brainseg.models.export.openvino_backend import OpenVinoBackend
from brainseg.models.export.processor import has_bf16
from brainseg.models.export.signal_stack import signal_stack
from brainseg.models.export.writing import ONNX_FILE, OPENVINO_FILE, OPENVINO_WEIGHTS, write_onnx
from tests.models.export.conftest import KINDS, make_network

SIZES = ((1, 64, 64), (2, 48, 48), (1, 72, 40), (3, 64, 64), (1, 75, 91), (1, 33, 64))
BACKENDS = {
    "onnx": lambda folder, threads: OnnxBackend(folder / ONNX_FILE, threads),
    "openvino": lambda folder, threads: OpenVinoBackend(folder / OPENVINO_FILE, "fp32", threads=threads),
}


def pictures(count: int, height: int, width: int) -> torch.Tensor:
    return torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(height))


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("kind", KINDS)
def test_images_of_any_size_in_a_row_get_torchs_answer(kind, backend, threads, networks, written) -> None:
    network, opened = networks[kind], BACKENDS[backend](written[kind], threads)
    names, reference = file_outputs(network), TorchBackend(networks[kind])
    for size in SIZES:
        images = pictures(*size)
        for found, wanted in zip(run(opened, network, images, names), reference.run(images, names), strict=True):
            assert found.dtype == torch.float32
            torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))


@pytest.fixture(scope="session")
def never_resizing(networks, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The U-Net, recorded with an image of 64 px, on which it resizes nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "EXAMPLE", (2, 3, 64, 64))
        return write_onnx(networks["u-net"], tmp_path_factory.mktemp("64"))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_answer_to_an_earlier_image_is_never_returned(threads, networks, never_resizing: Path) -> None:
    """OpenVINO with one thread returns it for an image of another size, without an error."""
    opened = OpenVinoBackend(never_resizing, "fp32", threads=threads)
    first = run(opened, networks["u-net"], pictures(1, 64, 64), ["logits"])
    assert first[0].shape == (1, 2, 64, 64)
    with pytest.raises((BundleError, RuntimeError)) as caught:
        run(opened, networks["u-net"], pictures(1, 72, 72), ["logits"])
    if isinstance(caught.value, BundleError):
        assert "so they are not used: choose the backend torch." in str(caught.value)


def test_a_size_that_a_network_cannot_work_with_is_refused_when_it_is_loaded(never_resizing: Path) -> None:
    with pytest.raises(RuntimeError):
        OpenVinoBackend(never_resizing, "fp32", (72, 72))


def test_an_exported_file_stands_alone_in_float32(written, tmp_path: Path) -> None:
    shutil.copy(written["local"] / ONNX_FILE, tmp_path / "alone.onnx")
    model = onnx.load(tmp_path / "alone.onnx")
    onnx.checker.check_model(model)
    assert {each.data_type for each in model.graph.initializer} <= {onnx.TensorProto.FLOAT, onnx.TensorProto.INT64}
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param, "the number of images is free"
    parameters = sum(np.prod(each.dims) for each in model.graph.initializer if each.data_type == onnx.TensorProto.FLOAT)
    weights = (written["local"] / OPENVINO_WEIGHTS).stat().st_size
    assert weights >= 4 * 0.95 * parameters, "OpenVINO's own default would store two bytes a number"


def test_an_export_leaves_the_network_as_it_was(networks, written) -> None:
    for kind, network in networks.items():
        before = make_network(kind).state_dict()
        assert not any(layer.training for layer in network.modules())
        assert network.state_dict().keys() == before.keys()
        assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("kind", KINDS)
def test_folding_normalisations_changes_nothing_but_rounding(kind) -> None:
    network, folded = make_network(kind), fold_batch_norm(make_network(kind))
    count = [sum(isinstance(each, torch.nn.BatchNorm2d) for each in one.body.modules()) for one in (network, folded)]
    assert count[0] > 5
    assert count[1] == 0
    images = pictures(2, 64, 64)
    for found, wanted in zip(Graph(folded)(images), Graph(network)(images), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-4 * float(wanted.abs().max()))


@pytest.mark.parametrize("backend", ["torch-bf16", "onnx", "openvino"])
def test_any_number_of_threads_may_share_a_backend(backend, networks, written) -> None:
    network = networks["u-net"]
    opened = TorchBackend(network, "bf16") if backend == "torch-bf16" else BACKENDS[backend](written["u-net"], 1)
    images = [pictures(1, side, side) for side in (48, 64, 40, 64)]
    alone = [run(opened, network, each, ["logits"])[0] for each in images]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda each: run(opened, network, each, ["logits"])[0], images * 6))
    for place, found in enumerate(together):
        torch.testing.assert_close(found, alone[place % len(images)], rtol=1e-3, atol=2e-2 * float(found.abs().max()))


@pytest.mark.skipif(not has_bf16(), reason="this processor has no bfloat16")
def test_bf16_is_near_and_answers_in_float32(networks, written) -> None:
    network, images = networks["concat-pool"], pictures(2, 64, 64)
    wanted = torch.softmax(network(images), dim=1)
    for opened in (TorchBackend(network, "bf16"), OpenVinoBackend(written["concat-pool"] / OPENVINO_FILE, "bf16")):
        maps = run(opened, network, images, ["stage1", "stage2"])
        assert {each.dtype for each in maps} == {torch.float32}
        found = torch.softmax(network.head(maps), dim=1)
        assert 0 < float((found - wanted).abs().max()) < 0.05


@pytest.mark.skipif(not has_bf16(), reason="this processor has no bfloat16")
@pytest.mark.parametrize("kind", ["concat-pool", "u-net"])
@pytest.mark.parametrize("backend", ["torch", "openvino"])
def test_the_stem_is_in_float32(backend, kind, networks, written) -> None:
    """In bfloat16, 1.003 is 1: two images that differ by that much would be the same to the network."""
    torch_too = backend == "torch"
    opened = (
        TorchBackend(networks[kind], "bf16") if torch_too else OpenVinoBackend(written[kind] / OPENVINO_FILE, "bf16")
    )
    name = "features" if kind == "u-net" else "stage1"
    one, other = (run(opened, networks[kind], torch.full((1, 3, 64, 64), value), [name])[0] for value in (1.0, 1.003))
    assert not torch.equal(one, other)


@pytest.mark.parametrize(("library", "opening"), [("onnxruntime", "onnx"), ("openvino", "openvino")])
def test_a_missing_runtime_is_named(library, opening, written, monkeypatch) -> None:
    monkeypatch.setattr("brainseg.extras.find_spec", lambda name: None)
    with pytest.raises(MissingLibraryError, match=rf"needs {library}, which is not installed: .*brainseg\[export\]"):
        BACKENDS[opening](written["local"], 1)


@pytest.mark.skipif(sys.platform != "linux", reason="the stack is read by a call of Linux")
def test_signals_keep_the_stack_of_the_thread_in_whatever_order_networks_are_freed(written) -> None:
    def stack() -> tuple[int | None, int, int]:
        found = signal_stack()
        return found.address, found.flags, found.size

    def infer(backend: OpenVinoBackend) -> tuple[int | None, int, int]:
        backend.run(pictures(1, 64, 64), ["logits"])
        return stack()

    before = stack()
    networks = [OpenVinoBackend(written["concat-pool"] / OPENVINO_FILE, "fp32", threads=1) for _ in range(3)]
    assert infer(networks[1]) == before
    with ThreadPoolExecutor(1) as pool:
        fresh = pool.submit(stack).result()
        assert pool.submit(infer, networks[1]).result() == fresh
    while networks:
        networks.pop(0)
        gc.collect()
        assert stack() == before

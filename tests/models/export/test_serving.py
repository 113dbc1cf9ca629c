"""Which backend answers for a model, and what its exports must prove before one may."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from brainseg.errors import BackendError, BundleError, DataError
from brainseg.models.bundle import load_bundle, write_description
from brainseg.models.description import CHECKSUM, content_digest, read_description
from brainseg.models.export import making, record, serving
from brainseg.models.export.backends import Backend, TorchBackend
from brainseg.models.export.comparing import compare_logits
from brainseg.models.export.making import export_bundle
from brainseg.models.export.processor import has_bf16
from brainseg.models.export.record import FILE, LOGITS_FILE, Comparison, ExportRecord, read_record
from brainseg.models.export.serving import exports_of, open_backend
from brainseg.models.export.writing import OPENVINO_WEIGHTS
from brainseg.models.operating_point import OperatingPoint
from tests.models.conftest import one_sentence

CPU = torch.device("cpu")


def opened(bundle: Path, choice: str = "auto") -> Backend:
    return open_backend(load_bundle(bundle), bundle, choice, CPU)


def edit(bundle: Path, change) -> None:
    """Change `exports.json` as brainseg itself would, with a new checksum."""
    file = exports_of(bundle) / FILE
    values = json.loads(file.read_text("utf-8"))
    change(values)
    values[CHECKSUM] = content_digest(values)
    file.write_text(json.dumps(values), encoding="utf-8")


def make_fast(values: dict) -> None:
    """A measurement on a busy machine must not decide these tests."""
    for check in values["checks"]:
        check["seconds"] = 0.001 if check["backend"] == "openvino" else 0.002
        check["torch_seconds"] = 0.01


@pytest.fixture(scope="session")
def template(make_bundle, squares) -> Path:
    """A classifier's bundle with an export for OpenVINO."""
    bundle = make_bundle()
    export_bundle(bundle, exports_of(bundle), squares, "openvino")
    edit(bundle, make_fast)
    return bundle


@pytest.fixture
def exported(template: Path, tmp_path: Path) -> Path:
    """A copy of it, to be changed at will."""
    return Path(shutil.copytree(template.parent, tmp_path / "run")) / "bundle"


@pytest.mark.parametrize("kind", ["local", "u-net"])
def test_an_export_says_what_was_compared(kind, make_bundle, squares) -> None:
    bundle = make_bundle(kind)
    seen: list[tuple[int, int]] = []
    made = export_bundle(bundle, exports_of(bundle), squares, "onnx", lambda *done: seen.append(done), len(squares))
    assert read_record(exports_of(bundle)).checks == made.checks
    check = made.check("onnx", "fp32")
    assert check.comparison.images == len(squares)
    assert check.comparison.largest_difference < 1e-3
    assert check.comparison.decisions_changed == 0
    assert check.comparison.passes("fp32")
    assert check.versions.keys() == {"torch", "onnx", "onnxruntime"}
    assert check.processor == record.processor()
    assert seen[-1] == (5, 5)
    assert (made.check("torch", "bf16") is not None) == has_bf16()
    assert (exports_of(bundle) / LOGITS_FILE).exists() == (kind == "local")
    assert opened(bundle, "onnx").name == "onnx"


def test_the_fastest_that_passed_answers(exported: Path) -> None:
    assert opened(exported).name == "openvino"
    assert opened(exported, "torch").name == "torch"
    both = read_record(exports_of(exported)).check("openvino", "bf16")
    if both is None or not both.comparison.passes("bf16"):
        assert opened(exported).precision == "fp32"

    def slow(values: dict) -> None:
        for check in values["checks"]:
            check["seconds"] = 0.02

    edit(exported, slow)
    assert (opened(exported).name, opened(exported).precision) == ("torch", "fp32"), "torch in fp32 was faster"
    assert opened(exported, "openvino").name == "openvino"


def test_two_formats_are_kept_side_by_side(exported: Path, squares) -> None:
    export_bundle(exported, exports_of(exported), squares[:3], "onnx")
    assert opened(exported, "onnx").name == "onnx"
    assert opened(exported, "openvino").name == "openvino"


def test_bf16_of_another_processor_is_not_used(exported: Path) -> None:
    def elsewhere(values: dict) -> None:
        for check in values["checks"]:
            check["processor"] = "x86_64 avx2"

    edit(exported, elsewhere)
    found = opened(exported)
    assert (found.name, found.precision) == ("openvino", "fp32")


def test_an_export_that_differs_too_much_is_not_used(exported: Path) -> None:
    def differ(values: dict) -> None:
        for check in values["checks"]:
            check["comparison"]["largest_difference"] = 0.03

    edit(exported, differ)
    assert isinstance(opened(exported), TorchBackend)
    with pytest.raises(BackendError) as caught:
        opened(exported, "openvino")
    assert "differs from torch" in one_sentence(caught.value)


@pytest.mark.parametrize(
    ("precision", "changes", "passes"),
    [
        ("fp32", {}, True),
        ("fp32", {"largest_difference": 1.1e-3}, False),
        ("bf16", {"largest_difference": 1.1e-3}, True),
        ("bf16", {"largest_difference": 2.1e-2}, False),
        ("bf16", {"decisions_changed": 1}, False),
        ("fp32", {"distance_difference": 0.02}, False),
        ("bf16", {"distance_difference": 0.02}, True),
    ],
)
def test_the_limits_of_a_comparison(precision, changes, passes) -> None:
    values = {"images": 9, "largest_difference": 1e-4, "decisions_changed": 0, **changes}
    assert Comparison(**values).passes(precision) is passes


def test_a_threshold_that_was_chosen_later_is_compared_again(exported: Path, monkeypatch) -> None:
    """Logits that differ by little lie on both sides of a threshold that is chosen between them."""
    folder = exports_of(exported)
    stored = making.load_file(folder / LOGITS_FILE)
    for name, values in stored.items():
        values[0] = (0.0, 0.0005 if name.endswith("reference") else 0.002)  # 0.5001 and 0.5005
    making.save_file(stored, folder / LOGITS_FILE)
    edit(exported, lambda values: values["files"].update({LOGITS_FILE: record.sha256_file(folder / LOGITS_FILE)}))
    assert opened(exported, "openvino").name == "openvino"
    description = read_description(exported)
    point = OperatingPoint(threshold=0.5003)
    write_description(exported, description.model_copy(update={"operating_point": point}))
    assert isinstance(opened(exported), TorchBackend)
    with pytest.raises(BackendError, match=r"1 of 5 decisions changed"):
        opened(exported, "openvino")


def test_decisions_are_those_at_the_threshold(make_bundle) -> None:
    description = read_description(make_bundle())
    one, other = np.array([[0.0, 0.1]], np.float32), np.array([[0.1, 0.0]], np.float32)
    assert compare_logits(one, other, description).decisions_changed == 1
    low = description.model_copy(update={"operating_point": OperatingPoint(threshold=0.2)})
    assert compare_logits(one, other, low).decisions_changed == 0


@pytest.mark.parametrize("name", [FILE, OPENVINO_WEIGHTS, LOGITS_FILE])
def test_a_damaged_export_is_not_used(name, exported: Path) -> None:
    file = exports_of(exported) / name
    file.write_bytes(file.read_bytes()[:-40] + b" " * 40)
    assert isinstance(opened(exported), TorchBackend)
    with pytest.raises(BundleError) as caught:
        opened(exported, "openvino")
    one_sentence(caught.value)


def test_an_export_of_other_weights_is_not_used(exported: Path) -> None:
    edit(exported, lambda values: values.update(weights_sha256="0" * 64))
    assert isinstance(opened(exported), TorchBackend)
    with pytest.raises(BackendError, match="has no export for OpenVINO: make one with"):
        opened(exported, "openvino")


def test_a_newer_record_is_named(exported: Path) -> None:
    edit(exported, lambda values: values.update(format=2))
    with pytest.raises(BundleError, match="newer brainseg"):
        opened(exported, "openvino")


def test_without_the_libraries_torch_answers(exported: Path, monkeypatch) -> None:
    monkeypatch.setattr("brainseg.extras.find_spec", lambda name: None if name == "openvino" else object())
    assert opened(exported).name == "torch"
    with pytest.raises(BackendError) as caught:
        opened(exported, "openvino")
    assert "needs openvino, which is not installed" in one_sentence(caught.value)
    assert making.best_format() == "onnx"


def test_a_gpu_answers_with_torch(exported: Path) -> None:
    bundle = load_bundle(exported)
    assert isinstance(open_backend(bundle, exported, "auto", torch.device("cuda")), TorchBackend)
    with pytest.raises(BackendError, match="on the CPU only"):
        open_backend(bundle, exported, "openvino", torch.device("cuda"))


def test_nothing_is_served_without_images_to_compare(make_bundle) -> None:
    bundle = make_bundle()
    with pytest.raises(DataError):
        export_bundle(bundle, exports_of(bundle), [], "onnx")
    assert isinstance(serving.open_backend(load_bundle(bundle), bundle, "auto", CPU), TorchBackend)


def test_a_record_holds_only_known_fields() -> None:
    with pytest.raises(ValueError, match="forbid"):
        ExportRecord(name="x", weights_sha256="0", size=64, files={}, checks=(), more=1)

"""`export --format` of finished runs, and the backends of `predict`."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.errors import BackendError, BrainsegError, ConfigError, DataError, RunError
from brainseg.jobs.actions import delete
from brainseg.models.export.backends import TorchBackend
from brainseg.models.export.openvino_backend import OpenVinoBackend
from brainseg.models.export.record import FILE, read_record
from brainseg.runs import RunStore
from tests.models.conftest import one_sentence


def command(*arguments: object) -> str:
    done = CliRunner().invoke(app, [*map(str, arguments)])
    if isinstance(done.exception, BrainsegError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.stdout


def test_an_export_is_stored_with_its_run_and_answers_say_what_computed_them(
    finished_home: Path, tiny_set: Path, tmp_path: Path
) -> None:
    answer = json.loads(command("export", "tuned", "--format", "openvino", "--out", tmp_path / "net.xml", "--json"))
    made = answer["export"]
    assert {file.name for file in tmp_path.glob("net.*")} == {"net.xml", "net.bin", "net.json"}
    assert json.loads((tmp_path / "net.json").read_text("utf-8"))["checks"] == made["checks"]
    store = RunStore()
    run = store.get("tuned")
    assert all(Path(file).is_relative_to(store.files.find(run.id, "exports")) for file in made["files"])
    first = made["checks"][0]
    assert (first["backend"], first["precision"], first["passed"], first["images"]) == ("openvino", "fp32", True, 12)
    assert first["largest_difference"] < 1e-3
    assert first["decisions_changed"] == 0
    assert first["versions"]["openvino"]
    assert made["answers_with"]["backend"] in ("openvino", "torch")

    files = sorted(tiny_set.rglob("*.png"))[:3]
    by_torch = json.loads(command("predict", *files, "--run", "tuned", "--backend", "torch", "--json"))
    table = tmp_path / "answers.csv"
    arguments = ("--run", "tuned", "--backend", "openvino", "--csv", table, "--json")
    found = json.loads(command("predict", *files, *arguments))
    for one, other in zip(by_torch, found, strict=True):
        assert (one["backend"], other["backend"]) == ("torch", "openvino")
        assert other["probabilities"] == pytest.approx(one["probabilities"], abs=2e-2)
        assert other["precision"] in ("fp32", "bf16")
    rows = list(csv.DictReader(table.open(encoding="utf-8")))
    assert {row["backend"] for row in rows} == {"openvino"}
    assert "with OpenVINO (" in command("predict", files[0], "--run", "tuned", "--backend", "openvino")

    shutil.rmtree(tiny_set.parent / "none", ignore_errors=True)
    folder = store.exports(run)
    delete(store, run.id)
    assert not folder.exists(), "exports are deleted with their run"


@pytest.mark.parametrize("finished_home", ["segment_template"], indirect=True)
def test_a_segmentation_model_is_exported_too(finished_home: Path, masked_set: Path) -> None:
    printed = command("export", "marks", "--format", "onnx")
    assert "ONNX Runtime (fp32): largest difference of a probability" in printed
    assert "decisions changed: passed" in printed
    image = next((masked_set / "images").iterdir())
    (found,) = json.loads(command("predict", image, "--run", "marks", "--backend", "onnx", "--json"))
    assert (found["backend"], found["precision"]) == ("onnx", "fp32")


def test_what_cannot_be_exported_is_refused(finished_home: Path, tmp_path: Path) -> None:
    for arguments, kind, text in (
        (("--format", "tflite"), ConfigError, "--format must be one of onnx, openvino"),
        (("--out", tmp_path / "a.onnx"), ConfigError, "--out is for --format"),
        (("--format", "onnx", "--out", tmp_path / "a.xml"), ConfigError, "must end in .onnx"),
        ((), RunError, "Nothing to export: give --format"),
    ):
        with pytest.raises(kind, match=text) as caught:
            command("export", "tuned", *arguments)
        one_sentence(caught.value)
    with pytest.raises(BackendError, match="has no export for ONNX Runtime: make one with"):
        command("predict", tmp_path / "x.png", "--run", "tuned", "--backend", "onnx")
    with pytest.raises(ConfigError, match="--backend must be one of auto, torch, onnx, openvino"):
        command("predict", tmp_path / "x.png", "--run", "tuned", "--backend", "tensorrt")


def test_without_its_dataset_nobody_could_check_an_export(finished_home: Path, tiny_set: Path, monkeypatch) -> None:
    store = RunStore()
    run = store.get("tuned")
    monkeypatch.setattr("brainseg.results.model_export.dataset_location", lambda run: tiny_set / "gone")
    with pytest.raises(DataError) as caught:
        command("export", "tuned", "--format", "onnx")
    assert "put the dataset back" in one_sentence(caught.value)
    assert store.exports(run) is None


def test_many_files_are_answered_in_batches_in_their_order(
    finished_home: Path, tiny_set: Path, tmp_path: Path, monkeypatch
) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no image")
    files = [*sorted(tiny_set.rglob("*.png")), broken, *sorted(tiny_set.rglob("*.png"))[:3]]
    sizes: list[int] = []
    run = TorchBackend.run
    monkeypatch.setattr(
        TorchBackend, "run", lambda self, images, names: sizes.append(len(images)) or run(self, images, names)
    )
    done = CliRunner().invoke(app, ["predict", *map(str, files), "--run", "tuned", "--json"])
    answers = json.loads(done.stdout)
    assert done.exit_code == 1
    assert [answer["file"] for answer in answers] == [str(file) for file in files]
    assert [str(broken)] == [answer["file"] for answer in answers if "error" in answer]
    assert sum(sizes) == len(files) - 1
    assert len(sizes) == 3
    alone = json.loads(command("predict", files[5], "--run", "tuned", "--json"))[0]
    assert answers[5]["probabilities"] == pytest.approx(alone["probabilities"], abs=1e-5)
    assert {**answers[5], "seconds": 0, "probabilities": 0, "margin": 0} == {
        **alone, "seconds": 0, "probabilities": 0, "margin": 0,
    }  # fmt: skip


def test_the_dashboards_models_are_opened_with_the_fastest_backend(finished_home: Path) -> None:
    from brainseg.app import model_cache

    run = RunStore().get("tuned")
    assert isinstance(model_cache.predictor(run.id).backend, TorchBackend)
    command("export", "tuned", "--format", "openvino")
    folder = RunStore().exports(run)
    record = read_record(folder)
    quick = [each.model_copy(update={"seconds": each.torch_seconds / 2}) for each in record.checks]
    from brainseg.models.export.record import write_record

    write_record(folder, record.model_copy(update={"checks": tuple(quick)}))
    assert (folder / FILE).exists()
    fast = [each for each in quick if each.backend == "openvino"]
    assert fast
    assert isinstance(model_cache.predictor(run.id).backend, OpenVinoBackend | TorchBackend)

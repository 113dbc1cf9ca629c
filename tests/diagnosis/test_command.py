"""`predict` with other heatmaps and with ensembles."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from brainseg.cli.app import app
from brainseg.diagnosis.heatmap_checks.stored import HEATMAPS, stored_heatmaps
from brainseg.diagnosis.joint import diagnose_jointly
from brainseg.diagnosis.methods import METHODS
from brainseg.diagnosis.outcome_words import NOT_EVALUATED
from brainseg.diagnosis.pointing import NOT_MEASURED, pointing_sentence, summarise
from brainseg.diagnosis.predictor import Predictor
from brainseg.errors import BrainsegError, BundleError
from brainseg.files import sha256_file, write_json
from brainseg.models.architectures import Classifier
from brainseg.models.description import bundle_digest, read_description
from brainseg.runs import RunStore
from brainseg.scans import read_scan
from tests.bundles import edit
from tests.conftest import draw_slice, tiny_config
from tests.models.conftest import make_classifier, one_sentence, store
from tests.results.report.reading import Page, squeezed


@pytest.fixture
def image(tmp_path: Path) -> Path:
    Image.fromarray(draw_slice(np.random.default_rng(0), tumour=True)).save(tmp_path / "slice.png")
    return tmp_path / "slice.png"


@pytest.fixture
def runs(home: Path, tmp_path: Path, tiny_set: Path) -> list[str]:
    """Three finished runs; the last one has other classes."""
    opened, ids = RunStore(), []
    for seed, classes in enumerate((("no", "yes"), ("yes", "no"), ("no", "yes", "maybe"))):
        model = make_classifier(stages=(3,), classes=len(classes), seed=seed)
        store(tmp_path / str(seed) / "bundle", model, classes, name=f"run {seed}")
        run = opened.create(tiny_config(tiny_set), f"run {seed}", "RUNNING")
        opened.log_folder(run.id, tmp_path / str(seed))
        opened.set_status(run.id, "FINISHED")
        ids.append(run.id)
    return ids


def finished(folder: Path, model: Classifier, learnt: Path, **facts: object) -> str:
    """Store a model as a finished run, and return its id."""
    store(folder / "bundle", model, **facts)
    opened = RunStore()
    run = opened.create(tiny_config(learnt), folder.name, "RUNNING")
    opened.log_folder(run.id, folder)
    opened.set_status(run.id, "FINISHED")
    return run.id


def answers_of(*args: object) -> list[dict]:
    done = CliRunner().invoke(app, ["predict", *map(str, args), "--json"])
    assert done.exception is None, done.exception
    return json.loads(done.stdout)


def test_method_layer_and_class_can_be_chosen(runs, image, tmp_path) -> None:
    (plain,) = answers_of("--run", runs[0], image)
    assert (plain["method"], plain["layer"], plain["explained"]) == ("grad-cam", "layer3", plain["label"])
    other = "no" if plain["label"] == "yes" else "yes"
    (answer,) = answers_of("--run", runs[0], image, "--method", "grad-cam++", "--layer", 2, "--explain", other, "--cam",
                     tmp_path / "cam.png")  # fmt: skip
    assert (answer["method"], answer["layer"], answer["explained"]) == ("grad-cam++", "layer2", other)
    assert answer["probabilities"] == pytest.approx(plain["probabilities"], abs=1e-6)
    assert (tmp_path / "cam.png").stat().st_size > 1000


def test_several_runs_answer_together(runs, image, tmp_path) -> None:
    (answer,) = answers_of("--run", runs[0], "--run", runs[1], image, "--csv", tmp_path / "out.csv")
    opened = RunStore()
    predictors = [Predictor.open(opened.bundle(opened.get(run_id))) for run_id in runs[:2]]
    expected = diagnose_jointly(predictors, read_scan(image))
    assert answer["label"] == expected.label
    assert answer["probabilities"] == pytest.approx(expected.probabilities, abs=1e-6)
    assert answer["spread"] == pytest.approx(expected.probability_range, abs=1e-6)
    assert answer["deviation"] == pytest.approx(expected.deviation, abs=1e-6)
    assert [member["model"] for member in answer["members"]] == [each.name for each in predictors]
    (row,) = csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8"))
    assert float(row["spread"]) == pytest.approx(expected.probability_range[expected.label], abs=1e-6)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (
            ["--method", "magic"],
            f"--method must be one of {', '.join(METHODS)}, not magic",
        ),
        (["--explain", "perhaps"], "--explain must be one of no, yes, not perhaps"),
        (["--layer", "4"], "--layer must be one of 1, 2, 3, not 4"),
    ],
)
def test_what_cannot_be_had_is_one_sentence(wrong, words, runs, image) -> None:
    done = CliRunner().invoke(app, ["predict", "--run", runs[0], str(image), *wrong])
    assert isinstance(done.exception, BrainsegError)
    assert words in str(done.exception)


def test_each_answer_says_what_it_stands_on(runs, image, tmp_path) -> None:
    bad = tmp_path / "notes.png"
    bad.write_text("no image")
    done = CliRunner().invoke(
        app, ["predict", "--run", runs[0], str(image), str(bad), "--json", "--csv", str(tmp_path / "out.csv")]
    )
    answer, failed = json.loads(done.stdout)
    opened = RunStore()
    digest = Predictor.open(opened.bundle(opened.get(runs[0]))).bundle.digest
    assert answer["trained_on"] == {"dataset": None, "images": None, "synthetic": None}  # not recorded in the bundle
    assert answer["in_domain"] is None
    assert answer["image_sha256"] == sha256_file(image)
    assert answer["bundle_digest"] == failed["bundle_digest"] == digest
    assert "not tested" in " ".join(answer["warnings"])
    assert "not tested" in answer["headline"]
    shown = CliRunner().invoke(app, ["predict", "--run", runs[0], str(image)]).stdout
    assert shown.index("not tested") < shown.index(f"{answer['label']} (")
    assert (failed["warnings"], failed["image_sha256"], failed["in_domain"]) == ([], None, None)
    first, second = csv.DictReader((tmp_path / "out.csv").open(encoding="utf-8"))
    assert first["image_sha256"] == answer["image_sha256"]
    assert first["bundle_digest"] == digest
    assert first["warnings"] == " ".join(answer["warnings"])
    assert first["trained_on"] == "It is not recorded what this model was trained on."
    assert first["in_domain"] == second["in_domain"] == second["label"] == ""


def test_a_report_of_models_that_answer_together(runs, image, tmp_path) -> None:
    planted = image.rename(tmp_path / "Planted_Person.png")
    found = summarise([(np.ones((8, 8)), np.eye(8))], "grad-cam", 3)
    write_json(tmp_path / "0" / HEATMAPS, stored_heatmaps(found.to_dict()))
    RunStore().log_folder(runs[0], tmp_path / "0")
    report = tmp_path / "report.html"
    (answer,) = answers_of("--run", runs[0], "--run", runs[1], planted, "--report", report, "--uncertainty")
    page = Page(report.read_text("utf-8"))
    said = squeezed("".join(page.words))
    assert answer["report"] == str(report)
    for part in (answer["outcome"], pointing_sentence(found.to_dict()), NOT_MEASURED, NOT_EVALUATED.replace("`", "")):
        assert squeezed(part) in said
    for member in answer["members"]:
        assert squeezed(f"{member['model']}: {member['uncertainty']['sentence']}") in said
        assert member["bundle_digest"] in said
    assert "Planted" not in report.read_text("utf-8")


def test_what_the_model_is_stands_before_the_class(home, image, tmp_path, tiny_set) -> None:
    data = {"dataset": "phantom", "training_images": 512, "synthetic": True}
    run = finished(tmp_path / "one", make_classifier(stages=(3,)), tiny_set, data=data)
    done = CliRunner().invoke(app, ["predict", "--run", run, str(image), "--cam", str(tmp_path / "cam.png")])
    assert f"{image}: Trained on synthetic slices only: says nothing about patients. " in done.stdout
    with Image.open(tmp_path / "cam.png") as sheet:
        assert sheet.text["Trained on"] == "Trained on synthetic slices only: says nothing about patients."
        assert len(sheet.text["Bundle digest"]) == 64
        assert sheet.text["Image SHA-256"] == sha256_file(image)


def test_equal_names_never_overwrite_each_other(runs, image, tmp_path) -> None:
    files = [tmp_path / name for name in ("glioma/0.png", "notumor/0.png", "notumor/1.png", "x/A.png", "x/a.png")]
    for file in files:
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(image.read_bytes())
    answers = answers_of("--run", runs[0], *files, files[0], "--cam", tmp_path / "cam.png")
    names = [Path(answer["cam"]).name for answer in answers]
    assert names == ["cam-glioma-0.png", "cam-notumor-0.png", "cam-1.png", "cam-x-A.png", "cam-x-a-2.png",
                     "cam-glioma-0-2.png"]  # fmt: skip
    assert all((tmp_path / name).is_file() for name in names)


@pytest.mark.parametrize(
    ("outputs", "words"),
    [(("--cam", "slice.png"), "would replace the image"), (("--cam", "o", "--csv", "o"), "both write")],
)
def test_no_output_replaces_an_image_or_another_output(outputs, words, runs, image) -> None:
    before = image.read_bytes()
    placed = [each if each.startswith("--") else str(image.parent / each) for each in outputs]
    done = CliRunner().invoke(app, ["predict", "--run", runs[0], str(image), *placed])
    assert isinstance(done.exception, BrainsegError)
    assert words in str(done.exception)
    assert image.read_bytes() == before


def test_a_changed_bundle_of_a_run_is_refused(runs, image) -> None:
    opened = RunStore()
    folder = opened.bundle(opened.get(runs[0]))
    opened.record_bundle(runs[0], bundle_digest(folder, read_description(folder)))
    assert answers_of("--run", runs[0], image)
    edit(folder, lambda values: values.update(classes=values["classes"][::-1]))  # with a matching checksum
    done = CliRunner().invoke(app, ["predict", "--run", runs[0], str(image), "--json"])
    assert isinstance(done.exception, BundleError)
    assert "was changed after its training" in one_sentence(done.exception)
    assert not done.stdout


def test_a_model_that_answers_with_no_numbers_is_refused(home, image, tmp_path, tiny_set) -> None:
    model = make_classifier(stages=(3,))
    with torch.no_grad():
        model.head[-1].weight.fill_(3e38)  # finite, but its sums are not
    run = finished(tmp_path / "huge", model, tiny_set)
    done = CliRunner().invoke(app, ["predict", "--run", run, str(image)])
    assert isinstance(done.exception, BundleError)
    assert "not numbers" in one_sentence(done.exception)


def test_runs_of_other_classes_do_not_answer_together(runs, image) -> None:
    done = CliRunner().invoke(app, ["predict", "--run", runs[0], "--run", runs[2], str(image)])
    assert isinstance(done.exception, BrainsegError)
    assert "choose models with the same classes" in str(done.exception)

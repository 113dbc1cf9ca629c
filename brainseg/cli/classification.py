"""The parts of commands for runs that classify images: diagnoses, and the printed metrics of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from brainseg.cli.output import ANSWERS, fraction
from brainseg.cli.outputs import image_outputs, refuse_overwriting
from brainseg.cli.prediction import (
    Answering,
    Answers,
    ClassAnswer,
    Failure,
    Request,
    Row,
    StoredUncertainty,
    check_choice,
    failure,
)
from brainseg.cli.prediction import Member as MemberAnswer
from brainseg.cli.reports import check_report, reported, write_report
from brainseg.diagnosis.batches import BATCH, in_batches
from brainseg.diagnosis.calibrated import Certainty
from brainseg.diagnosis.ensemble import Consensus
from brainseg.diagnosis.joint import check_same_classes, diagnose_all_with
from brainseg.diagnosis.methods import layer_name
from brainseg.diagnosis.table import (
    answer_columns,
    answer_row,
    answers_csv,
    headline,
    probability_columns,
    reliability_values,
)
from brainseg.errors import ScanError
from brainseg.evaluation.stored import ClassificationEvaluation, metric

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis
    from brainseg.diagnosis.predictor import Predictor
    from brainseg.scans import Scan

METRICS = ("accuracy", "sensitivity", "specificity", "precision", "f1", "roc_auc")


def predict(bundles: list[Path], request: Request) -> Answers:
    """Classify images with one model or an ensemble, and draw their heatmaps.

    Raises:
        ConfigError: An option has a value that the models do not allow, or an output would overwrite another file.
    """
    from brainseg.diagnosis.images import diagnosis_sheet, save_png
    from brainseg.monitoring import log_answers, record_of

    sheets = image_outputs(request.cam, request.files)
    refuse_overwriting({"--cam": sheets, "--csv": [request.csv], "--report": [request.report]}, request.files)
    check_report(request, len(request.files))
    predictors = _opened(bundles, request)
    classes = predictors[0].description.classes
    check_choice("--explain", request.explain, (None, *classes))
    check_choice("--layer", request.layer, (None, *max((each.stages for each in predictors), key=len)))
    rows, logged, pages = [], [], []
    values: list[ClassAnswer | Failure] = []
    found_in_order = in_batches(lambda files: _answers(predictors, files, request), request.files)
    for number, (file, sheet, given) in enumerate(zip(request.files, sheets, found_in_order, strict=True), start=1):
        if isinstance(given, str):
            rows.append(answer_row(str(file), given))
            values.append(failure(str(file), given, predictors))
        else:
            scan, answer = given
            if sheet:
                save_png(diagnosis_sheet(scan.pixels, scan.name, answer), sheet)
            rows.append(answer_row(str(file), answer, scan.warnings))
            found = _values(str(file), answer, scan.warnings, sheet)
            if request.uncertainty:
                _add_uncertainty(found, predictors, scan)
            if request.report:
                found["report"] = str(request.report)
                place = number, len(request.files)
                pages.append(reported(scan, answer, predictors, request, place, stability_sentences(found)))
            values.append(found)
            logged.append(record_of(answer, "command"))
    log_answers(logged)
    write_report(request, pages)
    return Answers(values, answers_csv(rows, classes))


def answering(bundles: list[Path], request: Request) -> Answering:
    """Open models to classify the files of an archive.

    Raises:
        RunError: The models have different classes.
        BackendError: The backend may not answer for a model.
    """
    from brainseg.diagnosis.archive.table import kinds_of
    from brainseg.monitoring import record_of

    predictors = _opened(bundles, request)
    classes = request.ensemble.description.classes if request.ensemble else predictors[0].description.classes

    def answer(files: Sequence[Path]) -> list[Row]:
        rows = []
        for file, given in zip(files, _answers(predictors, files, request), strict=True):
            if isinstance(given, str):
                rows.append(Row(answer_row(str(file), given), None))
            else:
                scan, found = given
                rows.append(Row(answer_row(str(file), found, scan.warnings), record_of(found, "command")))
        return rows

    return Answering(
        models=predictors,
        digest=request.ensemble.digest if request.ensemble else "+".join(each.bundle.digest for each in predictors),
        columns=kinds_of(answer_columns(classes), probability_columns(classes)),
        batch=BATCH,
        answer=answer,
        failed=lambda sentence: answer_row("", sentence),
    )


def _opened(bundles: list[Path], request: Request) -> list[Predictor]:
    """Open the models, which must have the same classes."""
    from brainseg.diagnosis.predictor import Predictor

    predictors = [Predictor.open(bundle, backend=request.backend) for bundle in bundles]
    check_same_classes([(each.name, each.description.classes) for each in predictors])
    return predictors


def _read(file: Path) -> Scan | str:
    """Return the image, or the sentence that says why it cannot be read."""
    from brainseg.scans import read_scan

    try:
        return read_scan(file)
    except ScanError as error:
        return str(error)


def _answers(
    predictors: list[Predictor], files: Sequence[Path], request: Request
) -> list[tuple[Scan, Diagnosis | Consensus] | str]:
    """Return each image of a batch with its answer, or the sentence that says why it cannot be read."""
    read = [_read(file) for file in files]
    scans = [each for each in read if not isinstance(each, str)]
    options = {"explain": request.explain, "method": request.method, "stage": request.layer}
    drawn = bool(request.cam or request.report)
    answers = iter(diagnose_all_with(predictors, scans, request.ensemble, drawn, **options) if scans else ())
    return [each if isinstance(each, str) else (each, next(answers)) for each in read]


def _values(file: str, answer: Diagnosis | Consensus, notes: tuple[str, ...], sheet: Path | None) -> ClassAnswer:
    """Return an answer as values that JSON can hold."""
    reliability = reliability_values(answer, notes)
    values: ClassAnswer = {
        "file": file,
        "headline": headline(answer),
        "in_domain": reliability["in_domain"],
        "warnings": reliability["warnings"],
        "trained_on": reliability["trained_on"],
        "image_sha256": reliability["image_sha256"],
        "bundle_digest": reliability["bundle_digest"],
        "label": answer.label,
        "outcome": answer.outcome,
        "probabilities": answer.probabilities,
        "threshold": answer.point.threshold,
        "margin": answer.decision.margin,
        "prediction_set": None if (found := answer.prediction_set) is None else list(found),
        "calibrated": answer.certainty.calibrated,
        "n": answer.certainty.count,
        "model": answer.model,
        "explained": answer.explained,
        "method": answer.method,
        "layer": layer_name(answer.stage),
        "backend": answer.backend,
        "precision": answer.precision,
        "seconds": answer.seconds,
    }
    if isinstance(answer, Consensus):
        values["spread"], values["deviation"] = answer.probability_range, answer.deviation
        values["members"] = [_member(each) for each in answer.members]
    if sheet:
        values["cam"] = str(sheet)
    return values


def _member(answer: Diagnosis) -> MemberAnswer:
    reliability = reliability_values(answer)
    return {
        "model": answer.model,
        "probabilities": answer.probabilities,
        "in_domain": reliability["in_domain"],
        "warnings": reliability["warnings"],
        "trained_on": reliability["trained_on"],
        "image_sha256": reliability["image_sha256"],
        "bundle_digest": reliability["bundle_digest"],
    }


def _add_uncertainty(values: ClassAnswer, predictors: list[Predictor], scan: Scan) -> None:
    """Add how stable the answer of each model is."""
    from brainseg.diagnosis.uncertainty import measure_uncertainty, uncertainty_sentence

    for place, predictor in enumerate(predictors):
        found = measure_uncertainty(predictor, scan)
        low, high = found.view_range
        write = Certainty((predictor.description.calibration,)).write
        stored: StoredUncertainty = {
            "entropy": found.entropy,
            "views": len(found.views) - 1,
            "changed_views": found.changed_views,
            "view_low": low,
            "view_high": high,
            "view_deviation": found.view_deviation,
            "dropout_deviation": found.dropout_deviation,
            "mutual_information": found.mutual_information,
            "sentence": uncertainty_sentence(found, write),
        }
        if "members" in values:
            values["members"][place]["uncertainty"] = stored
        else:
            values["uncertainty"] = stored


def stability_sentences(values: ClassAnswer) -> list[str]:
    """Return how stable the answer of each model is, as far as it was measured."""
    found = [(each["model"], each.get("uncertainty")) for each in values.get("members", [])]
    own = values.get("uncertainty")
    return [own["sentence"]] if own else [f"{model}: {each['sentence']}" for model, each in found if each]


def print_metrics(report: ClassificationEvaluation, side: str) -> None:
    """Print the headline metrics of an evaluation; `side` describes the evaluated images, with "{}" for their name."""
    for name in METRICS:
        ANSWERS.print(f"{name:12} {fraction(metric(report, name), report['intervals'].get(name))}")
    ANSWERS.print(f"on {report['count']} {side.format('images')}.")

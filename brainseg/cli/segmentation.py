"""The parts of commands for runs that mark tumours: masks, and the printed metrics of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from brainseg.cli.mask_table import area_columns, mask_columns, mask_row, masks_csv
from brainseg.cli.output import ANSWERS, fraction
from brainseg.cli.outputs import image_outputs, refuse_overwriting
from brainseg.cli.prediction import Answering, Answers, Failure, MaskAnswer, Request, Row, failure
from brainseg.cli.reports import check_report, reported, write_report
from brainseg.diagnosis.batches import in_batches
from brainseg.diagnosis.table import headline, reliability_values
from brainseg.errors import ConfigError, ScanError
from brainseg.evaluation.case_wording import case_sentences
from brainseg.evaluation.stored import SegmentationEvaluation, score

if TYPE_CHECKING:
    from brainseg.diagnosis.segmenter import Segmentation, Segmenter
    from brainseg.monitoring import AnswerRecord
    from brainseg.scans import Scan

METRICS = {
    "dice": "Dice, all pixels",
    "patient_dice": "Dice, mean of patients",
    "slice_dice": "Dice, mean of slices",
    "iou": "IoU, all pixels",
    "precision": "precision",
    "sensitivity": "sensitivity",
}
"""Field of the evaluation -> its printed name."""


def predict(bundles: list[Path], request: Request) -> Answers:
    """Mark tumours on slices, and draw the masks.

    Raises:
        ConfigError: There are several models, or an output would overwrite another file.
    """
    from brainseg.monitoring import log_answers, record_of

    segmenter = _opened(bundles, request)
    slices = _slices(segmenter, request.files)
    firsts = [files[0] for files in slices]
    masks, sheets = image_outputs(request.mask, firsts), image_outputs(request.overlay, firsts)
    written = {"--mask": masks, "--overlay": sheets, "--csv": [request.csv], "--report": [request.report]}
    refuse_overwriting(written, request.files)
    check_report(request, len(slices))
    logged: list[AnswerRecord] = []
    values: list[MaskAnswer | Failure] = []
    pages = []
    found_in_order = in_batches(lambda batch: [_read(segmenter, files) for files in batch], slices, size=1)
    for number, (files, mask, sheet, read) in enumerate(
        zip(slices, masks, sheets, found_in_order, strict=True), start=1
    ):
        if isinstance(read, str):
            values.append(failure(_named(files), read, [segmenter]))
            continue
        scans, found = read
        logged.append(record_of(found, "command"))
        notes = [warning for scan in scans for warning in scan.warnings]
        answer = _answer(files, scans[0], found, notes, mask, sheet)
        if request.report:
            answer["report"] = str(request.report)
            pages.append(reported(scans[0], found, [segmenter], request, (number, len(slices)), notes))
        values.append(answer)
    log_answers(logged)
    write_report(request, pages)
    return Answers(values, masks_csv(values, segmenter))


def answering(bundles: list[Path], request: Request) -> Answering:
    """Open a model to mark tumours on the files of an archive.

    Raises:
        ConfigError: There are several models, or the model needs several files for each slice.
        BackendError: The backend may not answer for the model.
    """
    from brainseg.diagnosis.archive.table import kinds_of
    from brainseg.monitoring import record_of

    segmenter = _opened(bundles, request)
    if (wanted := segmenter.description.modalities) and len(wanted) > 1:
        raise ConfigError(
            f"{segmenter.name} takes {len(wanted)} images of each slice ({', '.join(wanted)}), and --archive answers "
            "each file by itself: name the images of one slice instead."
        )

    def failed(sentence: str) -> dict[str, object]:
        return mask_row(failure("", sentence, [segmenter]), segmenter)

    def answer(files: Sequence[Path]) -> list[Row]:
        rows = []
        for file in files:
            read = _read(segmenter, [file])
            if isinstance(read, str):
                rows.append(Row(failed(read), None))
            else:
                (scan,), found = read
                values = _values(str(file), found, list(scan.warnings))
                rows.append(Row(mask_row(values, segmenter), record_of(found, "command")))
        return rows

    return Answering(
        models=[segmenter],
        digest=segmenter.bundle.digest,
        columns=kinds_of(mask_columns(segmenter), area_columns(segmenter)),
        batch=1,
        answer=answer,
        failed=failed,
    )


def _opened(bundles: list[Path], request: Request) -> Segmenter:
    from brainseg.diagnosis.segmenter import Segmenter

    if len(bundles) > 1:
        raise ConfigError("--run names several runs that mark tumours, which cannot form an ensemble: name one.")
    return Segmenter.open(bundles[0], backend=request.backend)


def _slices(segmenter: Segmenter, files: list[Path]) -> list[list[Path]]:
    """Return the files of each slice: one each, or all files where the model needs several sequences of one slice."""
    several = len(segmenter.description.modalities or ()) > 1
    return [files] if several else [[file] for file in files]


def _read(segmenter: Segmenter, files: list[Path]) -> tuple[list[Scan], Segmentation] | str:
    """Return the images of a slice and what is marked on it, or the sentence that says why there is no answer."""
    from brainseg.scans import read_scan

    try:
        scans = [read_scan(file) for file in files]
        return scans, segmenter.segment(*scans)
    except ScanError as error:
        return str(error)


def _answer(
    files: list[Path], scan: Scan, found: Segmentation, notes: list[str], mask: Path | None, sheet: Path | None
) -> MaskAnswer:
    """Draw what is asked for, and return the answer as values that JSON can hold."""
    from brainseg.diagnosis.images import save_png
    from brainseg.diagnosis.mask_images import mask_image, segmentation_sheet

    answer = _values(_named(files), found, notes)
    if mask:
        save_png(mask_image(found), mask)
        answer["mask"] = str(mask)
    if sheet:
        save_png(segmentation_sheet(scan.pixels, scan.name, found), sheet)
        answer["overlay"] = str(sheet)
    return answer


def _named(files: list[Path]) -> str:
    return ", ".join(str(file) for file in files)


def _values(file: str, found: Segmentation, notes: list[str]) -> MaskAnswer:
    """Return an answer as values that JSON can hold."""
    reliability = reliability_values(found, notes)
    return {
        "file": file,
        "headline": headline(found),
        "in_domain": reliability["in_domain"],
        "warnings": reliability["warnings"],
        "trained_on": reliability["trained_on"],
        "image_sha256": reliability["image_sha256"],
        "bundle_digest": reliability["bundle_digest"],
        "sentence": found.finding,
        "area": found.area,
        "area_unit": found.area_unit,
        "areas": found.areas,
        "diameter": found.diameter,
        "length_unit": found.length_unit,
        "regions": [
            {"pixels": each.pixels, "area": each.area, "diameter": each.diameter, "centre": each.centre}
            for each in found.regions
        ],
        "model": found.model,
        "backend": found.backend,
        "precision": found.precision,
        "seconds": found.seconds,
    }


def print_metrics(report: SegmentationEvaluation, side: str) -> None:
    """Print the headline metrics of an evaluation; `side` describes the evaluated slices, with "{}" for their name."""
    intervals = report["intervals"]
    for metric, name in METRICS.items():
        ANSWERS.print(f"{name:23} {fraction(score(report, metric), intervals.get(metric))}")
    for metric in ("sensitivity", "specificity"):
        found = intervals.get(f"detection_{metric}")
        ANSWERS.print(f"{f'any tumour, {metric}':23} {fraction(score(report, f'detection_{metric}'), found)}")
    for unit in ("mm", "pixels"):
        distance, count = score(report, f"hd95_{unit}"), score(report, f"hd95_{unit}_slices")
        if count and distance is not None:
            ANSWERS.print(f"{f'95 % Hausdorff, {unit}':23} {distance:.1f} (mean of {count:.0f} slices)")
    rule = "count as 1" if report["rule"] == "one" else "are not counted"
    ANSWERS.print(f"on {report['slices']} {side.format('slices')}, {report['patients']} {report['unit']}s.")
    for sentence in case_sentences(report["cases"], report["unit"]) if "cases" in report else ():
        ANSWERS.print(sentence, soft_wrap=True)
    ANSWERS.print(
        f"{report['both_empty']} slices without tumour in which none was found {rule} in the means of slices."
    )

"""The reports that `predict` writes: of images to the file of `--report`, and of a study to the folder of `--out`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from brainseg.cli.prediction import Request
from brainseg.errors import ConfigError
from brainseg.results.report.writing import check_kind, now, save_report

if TYPE_CHECKING:
    from brainseg.diagnosis.answer import Diagnosis
    from brainseg.diagnosis.ensemble import Consensus
    from brainseg.diagnosis.predictor import Predictor
    from brainseg.diagnosis.segmenter import Segmentation, Segmenter
    from brainseg.diagnosis.volume_mask import VolumeMask
    from brainseg.results.report.image_content import ImageAnswers
    from brainseg.scans import Scan

STUDY_REPORTS = ("report.pdf", "report.html")
MOST = 50
"""Most images of one report: each has three pictures in memory, and nobody reads more pages."""


def check_report(request: Request, count: int) -> None:
    """Refuse a report that cannot be written; `count` is the number of images or slices.

    Raises:
        ConfigError: The file is of no kind of report, or there are too many images.
        MissingLibraryError: The report is a PDF, and reportlab is not installed.
    """
    check_kind("--report", request.report)
    if request.report and count > MOST:
        raise ConfigError(f"--report is for up to {MOST} images at a time, not {count:,}: choose fewer, or use --csv.")


def reported(
    scan: Scan,
    answer: Diagnosis | Consensus | Segmentation,
    models: Sequence[Predictor | Segmenter],
    request: Request,
    place: tuple[int, int],
    sentences: Sequence[str] = (),
) -> ImageAnswers:
    """Return an answer as the report takes it.

    Args:
        scan: The image.
        answer: The answer of the models.
        models: The models.
        request: What was asked for.
        place: The number of the image, from 1, and how many there are.
        sentences: On the images of a slice, or on how stable the answer of classifiers is.
    """
    from brainseg.diagnosis.segmenter import Segmentation
    from brainseg.results.report.image_content import ImageAnswers
    from brainseg.results.report.model_content import AskedModel

    measured = request.heatmaps or [None] * len(models)
    asked = [AskedModel(each.name, each.description, found) for each, found in zip(models, measured, strict=True)]
    label = f"Image {place[0]:,} of {place[1]:,}" if place[1] > 1 else "Image"
    if isinstance(answer, Segmentation):
        return ImageAnswers(scan=scan, models=asked, marked=answer, label=label, notes=sentences)
    return ImageAnswers(scan=scan, models=asked, answer=answer, label=label, stability=sentences)


def write_report(request: Request, found: Sequence[ImageAnswers]) -> None:
    """Write the report on all images that got an answer; none if no image got one, or none was asked for."""
    from brainseg.results.report.image_content import image_report

    if request.report and found:
        created = now()
        save_report([image_report(each, created) for each in found], request.report)


def write_study_reports(answer: VolumeMask, segmenter: Segmenter, out: Path) -> None:
    """Write the report of a study as PDF and as HTML into a folder."""
    from brainseg.results.report.model_content import AskedModel
    from brainseg.results.report.volume_content import volume_report

    report = volume_report(answer, AskedModel(segmenter.name, segmenter.description), now())
    for name in STUDY_REPORTS:
        save_report([report], out / name)

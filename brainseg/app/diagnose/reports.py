"""The reports of one answer to download, as PDF and as HTML; neither names the file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from brainseg.app import live_store
from brainseg.app.diagnose.answers import Answered
from brainseg.app.diagnose.ground_truth import remarks
from brainseg.app.diagnose.members import Member
from brainseg.diagnosis.heatmap_checks.stored import stored_heatmaps
from brainseg.extras import installed
from brainseg.results.report.model_content import AskedModel
from brainseg.results.report.writing import now, report_bytes

Download = tuple[str, str, str, Callable[[], bytes]]
"""Label, file name and media type of a download, and the function that makes it."""


def report_downloads(answered: Answered, asked: Sequence[Member], opacities: tuple[float, float]) -> list[Download]:
    """Return the reports of an answer: as PDF only where reportlab is installed.

    Args:
        answered: The answer.
        asked: The models that were asked: classifiers first.
        opacities: Opacity of the heatmap and of the mask's inside, in 0..1.
    """
    make = partial(report_file, answered, asked, opacities)
    pdf = ("Report (PDF)", "report.pdf", "application/pdf", partial(make, ".pdf"))
    html = ("Report (HTML)", "report.html", "text/html", partial(make, ".html"))
    return [pdf, html] if installed("reportlab") else [html]


def report_file(answered: Answered, asked: Sequence[Member], opacities: tuple[float, float], kind: str) -> bytes:
    """Return the report of an answer; `kind` is ".pdf" or ".html", other arguments as for `report_downloads`."""
    from brainseg.results.report.image_content import ImageAnswers, image_report  # imports torch

    said = remarks(answered, asked)
    found = ImageAnswers(
        scan=answered.case.scan,
        models=[_model(member) for member in asked],
        answer=answered.answer,
        marked=answered.marked,
        positive=answered.positive,
        doubts=[remark.sentence for remark in said if remark.alarming],
        notes=[remark.sentence for remark in said if not remark.alarming],
        opacities=opacities,
    )
    return report_bytes([image_report(found, now())], kind)


def _model(member: Member) -> AskedModel:
    details = live_store.details(member.run)
    measured = stored_heatmaps(details["heatmaps"], details["heatmap_checks"])
    return AskedModel(member.name, member.description, measured)

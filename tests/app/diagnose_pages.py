"""Fixtures and helpers for tests of the Diagnose page."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from brainseg.app import model_cache
from brainseg.app.diagnose.answers import Answered
from brainseg.app.diagnose.cases import Case
from brainseg.app.diagnose.ground_truth import remarks
from brainseg.app.diagnose.members import Member
from brainseg.app.diagnose.samples import Sample
from brainseg.diagnosis.answer import Diagnosis
from brainseg.runs import Run, RunStore
from brainseg.scans import Scan


@pytest.fixture
def page(tuned: Run, open_page):
    """The page with its model in memory."""
    for run in RunStore().list():
        model_cache.predictor(run.id)
    return open_page("diagnose")


@pytest.fixture
def images(tiny_set: Path) -> list[Path]:
    return [tiny_set / "yes" / "000.png", tiny_set / "no" / "001.png", tiny_set / "yes" / "002.png"]


def texts(app: AppTest) -> str:
    """Return all texts of the page, without the marks of Markdown."""
    parts = [*app.title, *app.header, *app.subheader, *app.markdown, *app.caption, *app.info, *app.warning, *app.error]
    return "\n".join(str(part.value) for part in parts).replace("\\", "").replace("**", "")


def put_in(app: AppTest, *files: Path | tuple[str, bytes]) -> AppTest:
    """Upload files, as dropping them does."""
    read = [(file.name, file.read_bytes()) if isinstance(file, Path) else file for file in files]
    app.file_uploader(key="uploads").set_value([(name, content, "image/png") for name, content in read]).run()
    assert not app.exception
    return app


def pictures(app: AppTest, caption: str) -> list[str]:
    """Return the addresses of the pictures with a caption; equal pictures have equal ones."""
    return [image.value[0] for image in app.get("image") if image.captions == [caption]]


def answered_on_page(app: AppTest) -> bool:
    """Return whether the page shows an answer: the plot of its probabilities."""
    return "probabilities" in [each.key for each in app.get("plotly_chart")]


def remarks_on(app: AppTest, scan: Scan, *asked: Run) -> list[str]:
    """Return the remarks that belong beside the answers of the session on an image."""
    found = answers(app)
    answer = next((each for each in reversed(found) if isinstance(each, Diagnosis)), None)
    marked = next((each for each in reversed(found) if not isinstance(each, Diagnosis)), None)
    answered = Answered(Case(scan.name, scan), answer, marked)
    return [remark.sentence for remark in remarks(answered, [Member.of(run) for run in asked])]


def sample_of(app: AppTest) -> tuple[Member, Sample]:
    """Return the sample that the page shows, and the model that offers it."""
    run, _, sample = app.session_state["sample"]
    return Member.of(run), sample


def answers(app: AppTest) -> list[object]:
    """Return the answers that the session keeps."""
    return list(app.session_state["answers"]._kept.values())

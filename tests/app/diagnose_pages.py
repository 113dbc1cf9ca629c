"""Helpers for tests of the Diagnose page."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest


def texts(app: AppTest) -> str:
    """Return everything that the page says, without the marks of Markdown."""
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


def answers(app: AppTest) -> list[object]:
    """Return the answers that the session keeps."""
    return list(app.session_state["answers"]._kept.values())

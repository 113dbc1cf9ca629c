"""What tests read on the Runs page."""

from __future__ import annotations

from collections.abc import Iterable

from streamlit.testing.v1 import AppTest

EVALUATED_PANEL = BROKEN_PANEL = "tab"


def texts(app: AppTest) -> str:
    """Return all texts of the page, without the backslashes that keep names from being read as Markdown."""
    parts = [
        *app.title,
        *app.markdown,
        *app.caption,
        *app.info,
        *app.warning,
        *app.error,
        *app.success,
    ]
    return "\n".join(str(part.value) for part in parts).replace("\\", "")


def charts(app: AppTest) -> int:
    return len(app.get("plotly_chart"))


def shown(app: AppTest) -> list[str]:
    """Alternative texts of the images on the page, which start with their paths."""
    return [image.alt for element in app.image for image in element.proto.imgs]


def paths_shown(app: AppTest) -> list[str]:
    return [alt.split(": ")[0] for alt in shown(app)]


def keys(elements: Iterable) -> list[str]:
    return [element.key for element in elements]


def open_panel(app: AppTest, name: str, key: str = EVALUATED_PANEL) -> AppTest:
    """Open a tab of the page."""
    app.session_state[key] = name
    return app.run()

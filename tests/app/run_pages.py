"""What tests of the Runs page look for on it."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

EVALUATED_PANEL = BROKEN_PANEL = "tab"


def texts(app: AppTest) -> str:
    """All that the page says in words, without the marks that keep names from being read as Markdown."""
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


def button(app: AppTest, label: str):
    return next(each for each in app.button if each.label == label)


def open_panel(app: AppTest, name: str, key: str = EVALUATED_PANEL) -> AppTest:
    """Turn to a tab of the page."""
    app.session_state[key] = name
    return app.run()

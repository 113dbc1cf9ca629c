"""How tests use the Train page."""

from __future__ import annotations

from pathlib import Path

from streamlit.testing.v1 import AppTest

QUICK = {
    "preparation.size": 40,
    "training.epochs": 1,
    "training.batch_size": 8,
    "training.frozen_epochs": 0,
    "training.finder_steps": 20,
    "data.valid_fraction": 0.3,
    "compute.threads": 1,
}


def fill(app: AppTest, data: Path, **settings: float) -> AppTest:
    """Choose a tiny and quick training from random weights."""
    app.selectbox(key="train:preset").select("quick")
    app.text_input(key="train:data:path").set_value(str(data))
    app.run()
    app.selectbox(key=widget_key(app, "model.weights")).select("none")
    for name, value in {**QUICK, **settings}.items():
        app.number_input(key=widget_key(app, name)).set_value(value)
    app.run()
    assert not app.exception
    return app


def estimates(app: AppTest) -> list[str]:
    """Return the lines of the estimate of the time, one for each kind of run that the buttons start."""
    lines = [line for caption in app.caption for line in str(caption.value).splitlines()]
    return [line.removeprefix("* ") for line in lines if line.startswith("* ")]


def widget_key(app: AppTest, name: str) -> str:
    version = app.session_state["train:version"] if "train:version" in app.session_state else 0  # noqa: SIM401
    return f"train:{version}:{name}"


def click(app: AppTest, key: str) -> AppTest:
    app.button(key=key).click().run()
    assert not app.exception
    return app

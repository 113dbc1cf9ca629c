"""One widget for each kind of setting, and the value that the visitor chose."""

from __future__ import annotations

from typing import Any, Literal, TypedDict

import streamlit as st

from brainseg.app import state
from brainseg.config import parse_settings
from brainseg.config.form_fields import FormField

NUMBER = "a number"
"""The choice that stands for any number, in a setting that takes a word or a number."""
BROWSER_LIMIT = 2**53 - 1
"""The largest whole number that browsers store exactly."""
EMPTY = "automatic"


class Shared(TypedDict):
    """The arguments that every widget takes."""

    key: str
    help: str
    disabled: bool
    persist_state: Literal["session"]


def draw(field: FormField, value: Any, key: str) -> Any:  # noqa: ANN401 - any setting
    """Draw a setting's widget.

    Args:
        field: The setting.
        value: Its first value, as `RunConfig.flat` has it.
        key: Key of the widget; a number field beside it has `state.setting_number(key)`.

    Returns:
        Its current value, as `RunConfig.from_preset` takes it.

    Raises:
        ConfigError: A text cannot be read as a value.
    """
    if field.locked:
        st.session_state.pop(key, None)  # its value for another task
    if field.kind == "switch":
        return st.toggle(field.label, **_shared(field, key, value))
    if field.kind == "choice":
        words = [*([EMPTY] if field.optional else []), *field.choices]
        chosen = st.selectbox(field.label, words, **_shared(field, key, EMPTY if value is None else value))
        return None if field.optional and chosen == EMPTY else chosen
    if field.kind in ("whole", "number"):
        return _number(field, field.label, value, key)
    if field.kind == "choice or number":
        return _choice_or_number(field, value, key)
    return _text(field, value, key)


def set_widget(field: FormField, value: Any, key: str) -> None:  # noqa: ANN401 - any setting
    """Set a setting's widget, as if the visitor had chosen the value; call it before `draw`.

    Args:
        field: The setting.
        value: As `RunConfig.flat` has it.
        key: Key of the widget.
    """
    if field.kind == "choice or number" and not isinstance(value, str):
        st.session_state[state.setting_number(key)] = float(value)
        value = NUMBER
    elif value is None:
        value = EMPTY if field.kind == "choice" else ""
    elif field.kind in ("list", "text"):
        value = _shown(value)
    elif field.kind in ("whole", "number"):
        value = int(value) if field.kind == "whole" else float(value)
    st.session_state[key] = value


def _shared(field: FormField, key: str, value: Any) -> Shared:  # noqa: ANN401 - any setting
    """Return the shared arguments, and put the first value into the session, where a button can change it too."""
    st.session_state.setdefault(key, value)
    return {"key": key, "help": field.help, "disabled": field.locked, "persist_state": "session"}


def _number(field: FormField, label: str, value: float, key: str) -> float:
    if field.kind == "whole":
        most = BROWSER_LIMIT if field.most is None else min(int(field.most), BROWSER_LIMIT)
        least = None if field.least is None else int(field.least)
        return st.number_input(
            label, min_value=least, max_value=most, step=int(field.step or 1), **_shared(field, key, int(value))
        )
    return st.number_input(
        label,
        min_value=None if field.least is None else float(field.least),
        max_value=None if field.most is None else float(field.most),
        step=float(field.step or _click(value)),
        format="%g",
        **_shared(field, key, float(value)),
    )


def _click(value: float) -> float:
    """Return the step by which a click changes a number: a tenth of its power of ten."""
    return float(f"1e{int(f'{value or 1:e}'.split('e')[1]) - 1}")


def _choice_or_number(field: FormField, value: str | float, key: str) -> str | float:
    word, number = (value, _example(field)) if isinstance(value, str) else (NUMBER, value)
    chosen = st.selectbox(field.label, [*field.choices, NUMBER], **_shared(field, key, word))
    return _number(field, f"{field.label}, number", number, state.setting_number(key)) if chosen == NUMBER else chosen


def _example(field: FormField) -> float:
    """Return a number to begin with if the preset gives none."""
    return 1e-3 * min(field.most or 1, 1)


def _text(field: FormField, value: Any, key: str) -> Any:  # noqa: ANN401 - any setting
    """Draw a text field, parsed as `--set` parses it; the visitor may leave out the brackets of a list."""
    shown = _shown(value)
    text = st.text_input(
        field.label, placeholder=EMPTY if field.optional else None, **_shared(field, key, shown)
    ).strip()
    if text == shown:
        return value
    if not text and field.optional:
        return None
    if field.kind == "list" and not text.startswith("["):
        text = f"[{text}]"
    return parse_settings([f"{field.name}={text}"])[field.name]


def _shown(value: Any) -> str:  # noqa: ANN401 - any setting
    """Return a text's first value as its field shows it."""
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value)

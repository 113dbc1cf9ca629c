"""The form of the Train page, drawn from `RunConfig` and started from a preset."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from brainseg.app import state
from brainseg.app.train.widgets import NUMBER, draw
from brainseg.config import RunConfig, default_preset, preset_names
from brainseg.config.form_fields import FormField, for_task, form_fields
from brainseg.config.presets import preset_notes
from brainseg.errors import ConfigError

ELSEWHERE = ("preset", "data.path", "model.arch", "model.weights", "data.outer_folds", "data.outer_fold")
"""Settings that have a separate place on the page, or that only a nested cross-validation sets."""
FIRST = (
    "model.head",
    "data.split",
    "training.epochs",
    "training.frozen_epochs",
    "training.batch_size",
    "training.learning_rate",
    "preparation.size",
)
"""The most important settings, in the order in which the page shows them; all others are folded."""
RATE = "training.learning_rate"
OTHER_TASK = "This preset is made for another task: `{}` is made for this one."
LOCKED = "Greyed-out settings do not apply to this task."


@dataclass(frozen=True)
class FormValues:
    """The values of the form.

    Attributes:
        preset: The preset that it started from.
        settings: Dotted settings that differ from it.
        faults: A sentence for each text that cannot be read.
    """

    preset: str
    settings: dict[str, Any]
    faults: list[str]


def current_preset() -> str:
    """Return the chosen preset, even before its widget is drawn."""
    names = preset_names()
    return str(st.session_state.setdefault(state.PRESET, "default" if "default" in names else names[0]))


def choose_preset() -> str:
    """Draw the choice of a preset with its notes; another choice writes its values into the form."""
    current_preset()
    preset = st.selectbox(
        "Preset",
        preset_names(),
        key=state.PRESET,
        on_change=reset,
        persist_state="session",
        help="Values to start from. Choosing another one sets all settings to its values.",
    )
    st.caption("  \n".join(f"**{title}:** {note}" for title, note in preset_notes(preset).items()))
    return preset


def reset() -> None:
    """Set all settings back to those of the preset."""
    st.session_state[state.FORM_VERSION] = st.session_state.get(state.FORM_VERSION, 0) + 1


def take_rate(rate: float) -> None:
    """Write a learning rate into the form; call it before the form is drawn, as a button's `on_click` is."""
    st.session_state[widget_key(RATE)] = NUMBER
    st.session_state[state.setting_number(widget_key(RATE))] = rate


def widget_key(name: str) -> str:
    """Return the key of a setting's widget."""
    return state.setting(st.session_state.get(state.FORM_VERSION, 0), name)


def draw_settings(preset: str) -> FormValues:
    """Draw the most important settings, and the others folded, by section."""
    start = RunConfig.from_preset(preset).flat()
    task = st.session_state.get(widget_key("task"), start["task"])
    fields = [for_task(field, task) for field in form_fields() if field.name not in ELSEWHERE]
    settings: dict[str, Any] = {}
    faults: list[str] = []

    def grid(some: Iterable[FormField], columns: int) -> None:
        places = st.columns(columns)
        for number, field in enumerate(some):
            with places[number % columns]:
                try:
                    first = field.fixed if field.locked else start[field.name]
                    value = draw(field, first, widget_key(field.name))
                    if value != start[field.name]:
                        settings[field.name] = value
                except ConfigError as error:
                    faults.append(str(error))

    grid(shown_first(fields), 2)
    if task != start["task"]:
        st.caption(OTHER_TASK.format(default_preset({"task": task})))
    st.caption(LOCKED)
    for section, members in folded(fields).items():
        with st.expander(f"Advanced: {section_title(section)}", key=f"train:advanced:{section}"):
            grid(members, 2)
    return FormValues(preset, settings, faults)


def shown_first(fields: list[FormField]) -> list[FormField]:
    """Return the settings that are not folded: the kind of run, and the most important ones."""
    named = {field.name: field for field in fields}
    kinds = [field for field in fields if not field.section and len(field.choices) > 1]
    return [*kinds, *(named[name] for name in FIRST if name in named)]


def folded(fields: list[FormField]) -> dict[str, list[FormField]]:
    """Return all other settings by section, except those that allow only one value."""
    sections: dict[str, list[FormField]] = {}
    first = shown_first(fields)
    for field in fields:
        if field not in first and not (field.kind == "choice" and len(field.choices) == 1 and not field.optional):
            sections.setdefault(field.section, []).append(field)
    return sections


def section_title(section: str) -> str:
    """Return a section's name in words: `training.augmentation` is "augmentation"."""
    return section.rsplit(".", 1)[-1].replace("_", " ") or "run"

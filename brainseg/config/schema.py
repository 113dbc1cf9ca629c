"""`RunConfig`: the configuration of a run. The command line, the Train form and the run store all use this object."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType
from typing import Any, ClassVar

import yaml
from pydantic import Field, ValidationError, field_validator
from pydantic_core import PydanticCustomError

from brainseg.config.data_section import DataConfig
from brainseg.config.messages import annotation, explain, explain_task
from brainseg.config.presets import load_preset, read_mapping
from brainseg.config.sections import (
    ComputeConfig,
    EvaluationConfig,
    ModelConfig,
    PreparationConfig,
    Section,
    TrainingConfig,
)
from brainseg.errors import ConfigError

TASKS: dict[str, type[RunConfig]] = {}
"""Task name -> its class, in the order of `brainseg.config.tasks`."""


class RunConfig(Section):
    """The complete configuration of one run: what `train` needs and what the store keeps.

    This class contains what all tasks have in common. Each task has a subclass in `brainseg.config.tasks`, which
    restricts the settings that have no effect on it. `parse`, `from_preset` and `from_yaml` return the subclass for the
    setting `task`.

    Attributes:
        about: What the task predicts, in a few words; only in subclasses.
        default_preset: The preset for the task; only in subclasses.
    """

    about: ClassVar[str]
    default_preset: ClassVar[str]

    task: str = Field("classify", description="What the model learns.")
    preset: str = Field("default", description="The preset that the run started from.")
    data: DataConfig = DataConfig()
    preparation: PreparationConfig = PreparationConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    compute: ComputeConfig = ComputeConfig()

    @classmethod
    def __pydantic_init_subclass__(cls, **_: object) -> None:
        """Register a subclass that defines `about`."""
        if "about" in vars(cls):
            TASKS[cls.model_fields["task"].default] = cls

    @field_validator("task", mode="before")
    @classmethod
    def _task_is_known(cls, value: object) -> object:
        if value not in list(TASKS):
            *others, last = (repr(name) for name in TASKS)
            expected = f"{', '.join(others)} or {last}"
            raise PydanticCustomError("literal_error", "Input should be {expected}", {"expected": expected})
        return value

    @classmethod
    def parse(cls, values: dict[str, Any]) -> RunConfig:
        """Build the configuration of a run from nested dictionaries, with the class of its task.

        Raises:
            ConfigError: A field is unknown, its value is not allowed, or the task would ignore it; the message names
                the field, the value and what is allowed.
        """
        try:
            common = RunConfig.model_validate(values)
        except ValidationError as error:
            raise ConfigError(explain(error, RunConfig)) from error
        kind = TASKS[common.task]
        try:
            return kind.model_validate(common.model_dump())
        except ValidationError as error:
            raise ConfigError(explain_task(error, kind, common.task)) from error

    @classmethod
    def from_preset(
        cls, name: str = "default", settings: dict[str, Any] | None = None, of_dataset: dict[str, Any] | None = None
    ) -> RunConfig:
        """Build a configuration from a preset and dotted settings such as `{"training.epochs": 3}`.

        Args:
            name: The preset.
            settings: Take precedence over the preset's.
            of_dataset: Settings stored with the dataset. `settings` take precedence over them, and those that the task
                does not have are left out.

        Raises:
            ConfigError: The preset or a field is unknown, or a value is not allowed.
        """
        if settings and "preset" in settings:
            raise ConfigError("preset: choose it with --preset; --set would change only the name of the preset.")
        values = {**load_preset(name), "preset": name}
        given = settings or {}
        task = TASKS.get(str(given.get("task", values.get("task", "classify"))), RunConfig)
        fitting = {
            field: value
            for field, value in (of_dataset or {}).items()
            if annotation(task, field.split(".")) is not NoneType
        }
        for field, value in {**fitting, **given}.items():
            _assign(values, field, value)
        return cls.parse(values)

    @classmethod
    def from_yaml(cls, text: str) -> RunConfig:
        """Read a configuration that `to_yaml` wrote.

        Raises:
            ConfigError: The text is not YAML, or a field or value is not allowed.
        """
        return cls.parse(read_mapping(text, "the configuration"))

    def with_settings(self, settings: Mapping[str, Any]) -> RunConfig:
        """Return the configuration with other values of some settings, given by their dotted names.

        Raises:
            ConfigError: A setting is unknown, or its value is not allowed.
        """
        values = self.model_dump(mode="json")
        for field, value in settings.items():
            _assign(values, field, value)
        return self.parse(values)

    def to_yaml(self) -> str:
        """Return the configuration as YAML that `from_yaml` reads back unchanged."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)

    def flat(self) -> dict[str, Any]:
        """Return every setting by its dotted name, as in `--set`."""
        return dict(_flatten(self.model_dump(mode="json")))


def _assign(values: dict[str, Any], field: str, value: Any) -> None:  # noqa: ANN401 - checked by pydantic
    *sections, last = field.split(".")
    for section in sections:
        values = values.setdefault(section, {})
        if not isinstance(values, dict):
            raise ConfigError(f"{field}: {section} is a setting and has no fields.")
    values[last] = value


def _flatten(values: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for key, value in values.items():
        name = f"{prefix}{key}"
        rows += _flatten(value, f"{name}.") if isinstance(value, dict) else [(name, value)]
    return rows

"""The ranges of a search, as users write them: `--set-range training.learning_rate=1e-5:1e-2:log`.

* `LOW:HIGH`: any number between the bounds, both included; whole numbers where the setting takes only these;
* `LOW:HIGH:log`: the same, drawn evenly on a logarithmic scale;
* `LOW:HIGH:step=S`: the numbers LOW, LOW + S, and so on up to HIGH;
* `VALUE,VALUE`: one of these values; lists keep their commas in brackets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from brainseg.config import RunConfig, parse_settings
from brainseg.config.form_fields import FormField, for_task, form_fields
from brainseg.errors import ConfigError

SEARCHED = ("model.", "preparation.", "training.")
"""Sections that can be searched: others change the images, how they are evaluated, or where the run computes."""
FORM = (
    "section.field=LOW:HIGH, with :log or :step=S, or section.field=value,value, for example "
    "training.learning_rate=1e-5:1e-2:log or model.arch=resnet18,resnet34"
)
_NUMBERS = ("whole", "number", "choice or number")


@dataclass(frozen=True)
class Range:
    """The values that a search may give to one setting.

    Attributes:
        name: Dotted name of the setting.
        choices: The values to choose from, as `RunConfig.flat` has them; empty for a range of numbers.
        low: The smallest number.
        high: The largest number.
        log: Whether numbers are drawn evenly on a logarithmic scale.
        step: Distance of two neighbouring numbers; None if every number between the bounds is possible.
        whole: Whether only whole numbers are possible.
    """

    name: str
    choices: tuple[Any, ...] = ()
    low: float = 0.0
    high: float = 0.0
    log: bool = False
    step: float | None = None
    whole: bool = False

    @property
    def values(self) -> tuple[Any, ...] | None:
        """All values in order; None where there are infinitely many.

        >>> Range("training.epochs", low=2, high=8, step=3, whole=True).values
        (2, 5, 8)
        """
        if self.choices:
            return self.choices
        if self.step is None:
            return None
        count = int((self.high - self.low) / self.step + 1e-9) + 1
        numbers = [float(f"{self.low + number * self.step:.12g}") for number in range(count)]
        return tuple(map(int, numbers)) if self.whole else tuple(numbers)

    def words(self) -> str:
        """Return the range as users write it.

        >>> Range("training.weight_decay", low=1e-5, high=0.1, log=True).words()
        'training.weight_decay=1e-05:0.1:log'
        """
        if self.choices:
            return f"{self.name}={','.join(choice_words(choice) for choice in self.choices)}"
        step = f":step={self.step:g}" if self.step is not None and not (self.whole and self.step == 1) else ""
        return f"{self.name}={self.low:g}:{self.high:g}{':log' if self.log else ''}{step}"

    def to_json(self) -> dict[str, Any]:
        """Return plain values, which `from_json` reads back."""
        if self.choices:
            return {"name": self.name, "choices": list(self.choices)}
        bounds = {"low": self.low, "high": self.high, "log": self.log, "step": self.step, "whole": self.whole}
        return {"name": self.name, **bounds}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Range:
        """Return the range that `to_json` wrote.

        Raises:
            KeyError: A value is missing.
            TypeError: A value is of another type.
        """
        if "choices" in values:
            return cls(str(values["name"]), tuple(values["choices"]))
        step = None if values["step"] is None else float(values["step"])
        low, high, whole = float(values["low"]), float(values["high"]), bool(values["whole"])
        return cls(str(values["name"]), (), low, high, bool(values["log"]), step, whole)


def choice_words(choice: object) -> str:
    """Return a value of a setting as users write it.

    >>> choice_words([2, 3]), choice_words(True), choice_words("resnet18")
    ('[2,3]', 'true', 'resnet18')
    """
    return choice if isinstance(choice, str) else json.dumps(choice, separators=(",", ":"))


def searchable_fields(task: str) -> list[FormField]:
    """Return the settings that a search can vary for a task, in the order of `RunConfig`."""
    fields = (for_task(field, task) for field in form_fields() if field.name.startswith(SEARCHED))
    return [field for field in fields if not field.locked]


def parse_ranges(texts: Sequence[str], config: RunConfig) -> tuple[Range, ...]:
    """Return the ranges in `--set-range` options, checked against the schema of the settings.

    Args:
        texts: As described above.
        config: The configuration that each trial changes.

    Raises:
        ConfigError: A text has another form, a setting is unknown or cannot be searched, a value is not allowed, or a
            setting is named twice; one sentence says what to write.
    """
    fields = {field.name: field for field in form_fields()}
    found: dict[str, Range] = {}
    for text in texts:
        name, equals, values = (part.strip() for part in text.partition("="))
        if not equals or not name or not values:
            raise ConfigError(f"--set-range {text!r} does not have the form {FORM}.")
        if name not in fields or not name.startswith(SEARCHED):
            known = "is not a setting" if name not in fields else "cannot be searched"
            raise ConfigError(f"--set-range: {name!r} {known}, only settings of {', '.join(SEARCHED)[:-1]} can be.")
        if name in found:
            raise ConfigError(f"--set-range names {name} twice: put all its values into one.")
        found[name] = _parse(fields[name], values, config)
    return tuple(found.values())


def _parse(field: FormField, values: str, config: RunConfig) -> Range:
    parts = split_values(values)
    if len(parts) == 1 and ":" in values and field.kind in _NUMBERS:
        return _numbers(field, values, config)
    if len(parts) < 2:
        numbers = field.kind in _NUMBERS
        example = f"{field.name}=LOW:HIGH or {field.name}=value,value" if numbers else f"{field.name}=value,value"
        raise ConfigError(f"--set-range {field.name}={values}: one value is nothing to search, write {example}.")
    choices = [_checked(field.name, parse_settings([f"{field.name}={part}"])[field.name], config) for part in parts]
    if len({choice_words(choice) for choice in choices}) < len(choices):
        raise ConfigError(f"--set-range {field.name} names a value twice: name each value once.")
    return Range(field.name, tuple(choices))


def _numbers(field: FormField, values: str, config: RunConfig) -> Range:
    """Return a range of numbers.

    Raises:
        ConfigError: A bound is not a number or not allowed, or the options contradict each other.
    """
    first, second, *options = (part.strip() for part in values.split(":"))
    low, high, whole = _number(field, first), _number(field, second), field.kind == "whole"
    log, steps = "log" in options, [option for option in options if option.startswith("step=")]
    step = _number(field, steps[0].removeprefix("step=")) if steps else float(field.step or 1) if whole else None
    faults = {
        "only :log or :step=S may follow the bounds": len(options) != len(steps) + log or len(steps) > 1,
        "log and step exclude each other, so name the values": log and bool(steps),
        "the first bound must be below the second": low >= high,
        "a log range must begin above 0": log and low <= 0,
        "it takes whole numbers": whole and not (low.is_integer() and high.is_integer()),
        f"it takes multiples of {step or 1:g}, so name the values": log and whole and step != 1,
        "the step must be above 0": step is not None and step <= 0,
        "the step leads beyond the second bound": step is not None and low + step > high * (1 + 1e-9),
    }
    if fault := next((sentence for sentence, found in faults.items() if found), ""):
        raise ConfigError(f"--set-range {field.name}={values}: {fault}.")
    if step is not None:  # the last number that the steps reach
        high = float(f"{low + int((high - low) / step + 1e-9) * step:.12g}")
    for value in (low, high, *([low + step] if step is not None else [])):
        _checked(field.name, int(value) if whole and value.is_integer() else value, config)
    return Range(field.name, (), low, high, log, step, whole)


def _number(field: FormField, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ConfigError(f"--set-range {field.name}: {text!r} is not a number, write LOW:HIGH.") from None
    if not abs(value) < float("inf"):
        raise ConfigError(f"--set-range {field.name}: {text!r} is not a finite number, write LOW:HIGH.")
    return value


def _checked(name: str, value: object, config: RunConfig) -> Any:  # noqa: ANN401 - any setting
    """Return a value as `RunConfig.flat` has it.

    Raises:
        ConfigError: The setting does not allow it.
    """
    return config.with_settings({name: value}).flat()[name]


def split_values(values: str) -> list[str]:
    """Split at commas outside brackets.

    >>> split_values("[2],[2,3], 4")
    ['[2]', '[2,3]', '4']
    """
    parts, depth = [""], 0
    for letter in values:
        depth += {"[": 1, "]": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]

"""The setting `data.groups`: which images are of one patient.

* `auto`: guessed from the columns of a manifest, else from folders, else from file names;
* `none`: no patient is known;
* `column:NAME`: a column of the manifest;
* `folder` or `folder:N`: the Nth folder below the class folder (for a manifest: below the manifest's folder); -1 is the
  folder that contains the image;
* `name:REGEX`: the capture group of a regular expression, searched for in the file name without its extension.

A prefix sets how ids are compared: `exact:` as they are spelled, `loose:` without case, spaces and leading zeros. With
`per-class:`, the same id in two classes means two patients. A prefix without a rule means `auto`. Without a prefix, ids
are compared loosely; if that would merge two spellings, they stay separate and brainseg asks the user.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from brainseg.errors import ConfigError

PREFIXES = ("exact", "loose", "per-class")
FORMS = (
    "auto, none, column:NAME, folder, folder:N and name:REGEX with one (group), each with an optional prefix exact:, "
    "loose: or per-class:"
)


@dataclass(frozen=True)
class Rule:
    """The parsed setting `data.groups`."""

    kind: str
    value: str = ""
    compare: str = "ask"
    per_class: bool = False


def parse_rule(text: str) -> Rule:
    """Parse the setting `data.groups`.

    Raises:
        ConfigError: It is not a valid rule; the message lists the rules.
    """
    compare, per_class, rest = "ask", False, text.strip()
    while (parts := rest.partition(":"))[0] in PREFIXES:
        per_class = per_class or parts[0] == "per-class"
        compare = compare if parts[0] == "per-class" else parts[0]
        rest = parts[2]
    kind, _, value = (rest or ("auto" if rest != text.strip() else "")).partition(":")
    if not _is_rule(kind, value):
        raise ConfigError(f"data.groups: {text!r} is not a rule for patients, allowed: {FORMS}.")
    return Rule(kind, value or ("1" if kind == "folder" else ""), compare, per_class)


def _is_rule(kind: str, value: str) -> bool:
    if kind in ("auto", "none"):
        return not value
    if kind == "folder":
        return bool(re.fullmatch(r"(-?[1-9]\d?)?", value))
    if kind == "name":
        try:
            return re.compile(value).groups == 1
        except re.error:
            return False
    return kind == "column" and bool(value.strip())

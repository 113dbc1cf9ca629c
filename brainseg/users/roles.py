"""The roles of people: a YAML file that is read again whenever it changes.

```yaml
default: none            # of whoever signs in and is not listed: none, viewer, trainer or admin
contact: the imaging team, room 12
groups_claim: groups     # the provider's claim with a person's groups
emails:
  ada@example.org: admin
subjects:
  a1b2c3: trainer
groups:
  radiology: viewer
```

Of several roles, a person has the one with the most rights.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from brainseg import paths
from brainseg.errors import ConfigError
from brainseg.files import file_state
from brainseg.users.actor import ROLES, Role

VARIABLE = "BRAINSEG_ROLES"
"""The environment variable that names the file; by default `roles.yaml` in the home folder."""


class Roles(BaseModel):
    """The content of the file; see the module's documentation."""

    model_config = ConfigDict(extra="forbid", frozen=True, coerce_numbers_to_str=True)

    default: Role = "none"
    contact: str = ""
    groups_claim: str = "groups"
    emails: dict[str, Role] = Field(default_factory=dict)
    subjects: dict[str, Role] = Field(default_factory=dict)
    groups: dict[str, Role] = Field(default_factory=dict)

    def role_of(self, claims: Mapping[str, Any]) -> Role:
        """Return the role of a person.

        Args:
            claims: What the provider says about the person. An e-mail address that it says is not verified does not
                count: whoever chose it may not own it.
        """
        found: list[Role] = [self.default]
        email = claims.get("email")
        if isinstance(email, str) and claims.get("email_verified", True) in (True, "true"):
            known = {name.casefold(): role for name, role in self.emails.items()}
            found.append(known.get(email.casefold(), "none"))
        found.append(self.subjects.get(str(claims.get("sub", "")), "none"))
        groups = claims.get(self.groups_claim)
        listed = [groups] if isinstance(groups, str) else groups if isinstance(groups, list) else []
        found += [self.groups.get(str(group), "none") for group in listed]
        return max(found, key=ROLES.index)


def roles_file() -> Path:
    """Return the place of the file, whether or not it exists."""
    named = os.environ.get(VARIABLE, "").strip()
    return Path(named).expanduser() if named else paths.place("roles.yaml")


_lock = Lock()
_known: dict[Path, tuple[tuple[int, int], Roles]] = {}


def roles() -> Roles:
    """Return the roles as the file has them now.

    Raises:
        ConfigError: The file is missing or damaged.
    """
    file = roles_file()
    state = file_state(file)
    if state is None:
        raise ConfigError(
            f"Nobody has a role yet: write {file} with at least one administrator, such as "
            "`emails: {you@example.org: admin}`."
        )
    with _lock:
        if file not in _known or _known[file][0] != state:
            _known[file] = (state, _read(file))
        return _known[file][1]


def _read(file: Path) -> Roles:
    try:
        return Roles.model_validate(yaml.safe_load(file.read_text("utf-8")) or {})
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise ConfigError(
            f"{file} has a wrong entry, {place}: it takes default, contact, groups_claim, emails, subjects and groups, "
            f"whose roles are {', '.join(ROLES[:-1])} or {ROLES[-1]}."
        ) from error
    except (OSError, ValueError, yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"{file} cannot be read as YAML: correct it, or restore an earlier version.") from error

"""Where the images lie that a manifest names: a manifest is often beside them, or spells their names otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from brainseg.datasets.findings import Finding
from brainseg.datasets.listing import hidden, walk
from brainseg.errors import DataError
from brainseg.scans import SUFFIXES

MANY = 20
"""Missing files that are no single mistakes any more, if they are also most of a manifest."""


def find_files(file: Path, paths: Sequence[str]) -> tuple[list[str], list[Finding]]:
    """Return the paths of a manifest as they are on disk, and what was changed.

    A path that does not exist is looked for in another case, with an ending, or by its bare name in the folders around.

    Args:
        file: The manifest.
        paths: From its folder, with slashes.

    Raises:
        DataError: None or few of the images exist.
    """
    root = file.parent
    missing = [path for path in paths if not (root / path).exists()]
    known = _Index(root) if missing else None
    found = {path: other for path in missing if known and (other := known.find(path))}
    lost = [path for path in missing if path not in found]
    if len(lost) == len(paths) or (len(lost) >= MANY and 2 * len(lost) > len(paths)):
        count = "None" if len(lost) == len(paths) else f"Only {len(paths) - len(lost)}"
        raise DataError(
            f"{count} of the {len(paths)} paths of {file.name} exists below {root}; the first that does not is "
            f"{lost[0]!r}: move the manifest beside the images."
        )
    findings = []
    if found:
        path, other = next(iter(found.items()))
        findings.append(
            Finding(
                "manifest-paths",
                f"{len(found)} paths of {file.name} do not exist as they are written, and images of nearly the same "
                f"name are taken, such as {other} for {path}.",
                tuple(found.values()),
            )
        )
    return [found.get(path, path) for path in paths], findings


class _Index:
    """The images below a folder, by their path and by their bare name, in small letters."""

    def __init__(self, root: Path) -> None:
        self.known: dict[str, set[str]] = {}
        for place, folders, files in walk(root):
            folders[:] = [name for name in folders if not hidden(name)]
            for name in files:
                path = Path(place, name).relative_to(root)
                if path.suffix.lower() in SUFFIXES and not hidden(name):
                    for key in (path.as_posix(), name):
                        self.known.setdefault(key.casefold(), set()).add(path.as_posix())

    def find(self, path: str) -> str:
        """Return the only image that a path can mean, "" where there is none or are several."""
        pure = PurePosixPath(path)
        keys = [path] if pure.suffix.lower() in SUFFIXES else [f"{path}{suffix}" for suffix in sorted(SUFFIXES)]
        found: set[str] = set().union(*(self.known.get(key.casefold(), set()) for key in keys))
        return found.pop() if len(found) == 1 else ""

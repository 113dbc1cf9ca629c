"""Find the images that a manifest names: it may be in another folder, or spell their names differently."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from brainseg.datasets.findings import Finding
from brainseg.datasets.listing import hidden, walk
from brainseg.errors import DataError
from brainseg.scans import SUFFIXES

MANY = 20
"""At least this many missing files are an error, if they are also more than half of the manifest."""


def find_files(file: Path, paths: Sequence[str]) -> tuple[list[str], list[Finding]]:
    """Return the paths of a manifest as they are on disk, and findings about changes.

    If a path does not exist, it is searched for with another case, with an extension, or by its file name alone.

    Args:
        file: The manifest.
        paths: Relative to its folder, with slashes.

    Raises:
        DataError: None or few of the images exist.
    """
    root = file.parent
    missing = [path for path in paths if not (root / path).exists()]
    known = _Index(root) if missing else None
    found = {path: other for path in missing if known and (other := known.find(path))}
    lost = [path for path in missing if path not in found]
    if len(lost) == len(paths) or (len(lost) >= MANY and 2 * len(lost) > len(paths)):
        found_count = len(paths) - len(lost)
        count, verb = f"Only {found_count}" if found_count else "None", "exist" if found_count > 1 else "exists"
        raise DataError(
            f"{count} of the {len(paths)} paths in {file.name} {verb} below {root}; the first missing one is "
            f"{lost[0]!r}: move the manifest to the folder of the images."
        )
    findings = []
    if found:
        path, other = next(iter(found.items()))
        findings.append(
            Finding(
                "manifest-paths",
                f"{len(found)} paths in {file.name} do not exist as written; brainseg uses images with nearly the same "
                f"name, such as {other} for {path}.",
                tuple(found.values()),
            )
        )
    return [found.get(path, path) for path in paths], findings


class _Index:
    """The images below a folder, by path and by file name, in lower case."""

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
        """Return the only image that a path can mean; "" if there are none or several."""
        pure = PurePosixPath(path)
        keys = [path] if pure.suffix.lower() in SUFFIXES else [f"{path}{suffix}" for suffix in sorted(SUFFIXES)]
        found: set[str] = set().union(*(self.known.get(key.casefold(), set()) for key in keys))
        return found.pop() if len(found) == 1 else ""

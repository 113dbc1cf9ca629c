"""What a backup says of itself: its first entry, `manifest.json`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from pydantic import TypeAdapter, ValidationError

from brainseg import __version__
from brainseg.errors import DataError

SCHEMA = 1
"""The schema of backups that this brainseg writes."""
FORMAT = "brainseg home"
MANIFEST, CHECKSUMS, HOME = "manifest.json", "SHA256SUMS", "home/"
"""Entries of the archive: the first, the last, and the folder of all others."""


@dataclass(frozen=True)
class Manifest:
    """The first entry of a backup.

    Attributes:
        created: When the home was captured: UTC, ISO 8601 with seconds.
        home: The home folder at that time.
        files: Number of files of the home in the backup.
        bytes: Their size in all.
        runs: Number of runs by status.
        datasets: Number of datasets whose images are in the backup.
        datasets_outside: Paths of known datasets that are not in it, because they lie outside the home.
        studies: Number of reader studies.
        store: Where the runs are: "home" if the database is in the backup, "elsewhere" if `MLFLOW_TRACKING_URI`
            named another store, which is not.
        brainseg: Version of the brainseg that made it.
        schema: See `SCHEMA`.
        format: `FORMAT`.
    """

    created: str
    home: str
    files: int
    bytes: int
    runs: dict[str, int] = field(default_factory=dict)
    datasets: int = 0
    datasets_outside: tuple[str, ...] = ()
    studies: int = 0
    store: str = "home"
    brainseg: str = __version__
    schema: int = SCHEMA
    format: str = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """Return plain values that JSON can hold."""
        return asdict(self)


_MANIFEST = TypeAdapter(Manifest)


def read_manifest(text: bytes) -> Manifest:
    """Return the manifest in a text.

    Raises:
        DataError: It is none, or of a newer brainseg; the message is the end of a sentence.
    """
    try:
        found = _MANIFEST.validate_json(text)
    except ValidationError as error:
        raise DataError("its manifest is damaged") from error
    if found.format != FORMAT:
        raise DataError("it is of another program")
    if found.schema > SCHEMA:
        raise DataError(
            f"it was made by a newer brainseg ({found.brainseg}, schema {found.schema}; this version reads up to "
            f"{SCHEMA}): upgrade brainseg to restore it"
        )
    if found.files < 0 or found.bytes < 0:
        raise DataError("its manifest is damaged")
    return found


def checksum_line(digest: str, name: str) -> str:
    r"""Return a line of `SHA256SUMS`, as the program sha256sum writes and checks it.

    >>> checksum_line("0" * 64, "home/a b.png")[62:]
    '00  home/a b.png\n'
    >>> checksum_line("0" * 64, "home/a\nb")[:3]
    '\\00'
    """
    escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    return f"{'' if escaped == name else chr(92)}{digest}  {escaped}\n"

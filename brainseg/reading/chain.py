"""The hash chain of a log: each line holds the hash of the line before it, so a later change breaks the chain.

A line is the canonical JSON of one entry: keys sorted, no spaces. Its `hash` is the SHA-256 of the previous hash and of
the canonical JSON of all other fields. Whoever can write the file can also make a whole new chain, or cut off its end:
only a hash that was noted elsewhere, such as in an exported copy, reveals that.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from brainseg.files import sha256_bytes

FIRST = "0" * 64
"""The hash before the first line."""
NUMBER, PREVIOUS, HASH = "line", "previous", "hash"
"""Fields of each line: its number, counted from 1, the hash of the line before it, and its own."""


@dataclass(frozen=True)
class Chain:
    """The lines of a log up to the first one that is broken.

    Attributes:
        entries: The fields of each line without those of the chain.
        hashes: The hash of each of these lines.
        broken: The number of the first broken line, and why, as the end of a sentence; None if all fit.
        rest: Bytes after the last line break: a line whose writer was killed.
    """

    entries: tuple[dict[str, Any], ...] = ()
    hashes: tuple[str, ...] = ()
    broken: tuple[int, str] | None = None
    rest: bytes = b""

    @property
    def head(self) -> str:
        """The hash of the last line."""
        return self.hashes[-1] if self.hashes else FIRST


def link(number: int, previous: str, entry: Mapping[str, Any]) -> tuple[bytes, str]:
    """Return an entry as a line of a log, without its line break, and the line's hash.

    Args:
        number: Number of the line, from 1.
        previous: Hash of the line before it.
        entry: Its fields.
    """
    body = {**entry, NUMBER: number}
    digest = sha256_bytes(previous.encode() + _canonical(body))
    return _canonical({**body, PREVIOUS: previous, HASH: digest}), digest


def read_chain(data: bytes) -> Chain:
    """Check the lines of a log one by one, up to the first that is broken."""
    *lines, rest = data.split(b"\n")
    entries: list[dict[str, Any]] = []
    hashes: list[str] = []
    for number, line in enumerate(lines, start=1):
        found = _entry(line)
        if found is None:
            return Chain(tuple(entries), tuple(hashes), (number, "it is no entry of a log"), rest)
        entry, why = _checked(found, number, hashes[-1] if hashes else FIRST, line)
        if why:
            return Chain(tuple(entries), tuple(hashes), (number, why), rest)
        hashes.append(found[HASH])
        entries.append(entry)
    return Chain(tuple(entries), tuple(hashes), None, rest)


def _checked(found: dict[str, Any], number: int, head: str, line: bytes) -> tuple[dict[str, Any], str]:
    """Return the fields of an entry without those of the chain, and why the line is broken; "" if it is not."""
    entry = {name: value for name, value in found.items() if name not in (NUMBER, PREVIOUS, HASH)}
    if found.get(PREVIOUS) != head or found.get(NUMBER) != number:
        return entry, "it does not follow the line before it, so lines were removed, added or moved"
    if link(number, head, entry)[0] != line:
        return entry, "its content does not fit its hash, so it was changed"
    return entry, ""


def _entry(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _canonical(entry: Mapping[str, Any]) -> bytes:
    return json.dumps(entry, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "surrogatepass")

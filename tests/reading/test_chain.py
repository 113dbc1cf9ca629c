"""A change of any line of a log is found, at that line or at the next one."""

from __future__ import annotations

import hashlib
import json

import pytest

from brainseg.reading.chain import FIRST, link, read_chain

ENTRIES = [{"kind": "a", "value": number, "text": "é “quoted”"} for number in range(5)]


def log(entries: list[dict[str, object]]) -> bytes:
    lines, head = [], FIRST
    for number, entry in enumerate(entries, start=1):
        line, head = link(number, head, entry)
        lines.append(line)
    return b"\n".join(lines) + b"\n"


def test_an_untouched_chain_is_whole_and_gives_its_entries_back() -> None:
    chain = read_chain(log(ENTRIES))
    assert chain.broken is None
    assert list(chain.entries) == ENTRIES
    assert (chain.rest, len(set(chain.hashes))) == (b"", 5)


def test_the_hash_is_that_of_the_previous_hash_and_the_canonical_content() -> None:
    line, digest = link(1, FIRST, {"b": 1, "a": "x"})
    assert digest == hashlib.sha256((FIRST + '{"a":"x","b":1,"line":1}').encode()).hexdigest()
    assert json.loads(line) == {"a": "x", "b": 1, "line": 1, "previous": FIRST, "hash": digest}


@pytest.mark.parametrize("number", range(1, 6))
def test_a_changed_value_breaks_the_chain_at_its_line(number: int) -> None:
    lines = log(ENTRIES).splitlines()
    lines[number - 1] = lines[number - 1].replace(f'"value":{number - 1}'.encode(), b'"value":99')
    broken = read_chain(b"\n".join(lines) + b"\n").broken
    assert broken is not None
    assert broken[0] == number
    assert "changed" in broken[1]


def test_a_line_whose_hash_was_made_again_breaks_the_chain_at_the_next_one() -> None:
    lines = log(ENTRIES).splitlines()
    previous = json.loads(lines[1])["hash"]
    lines[2] = link(3, previous, {**ENTRIES[2], "value": 99})[0]
    broken = read_chain(b"\n".join(lines) + b"\n").broken
    assert broken is not None
    assert (broken[0], "does not follow" in broken[1]) == (4, True)


@pytest.mark.parametrize(
    ("edit", "line"),
    [
        (lambda lines: lines[:1] + lines[2:], 2),
        (lambda lines: lines[1:], 1),
        (lambda lines: [lines[0], lines[2], lines[1], *lines[3:]], 2),
        (lambda lines: [*lines[:3], lines[2], *lines[3:]], 4),
        (lambda lines: [*lines[:3], b"", *lines[3:]], 4),
        (lambda lines: [*lines[:3], b"[1]", *lines[3:]], 4),
        (lambda lines: [lines[0].replace(b'"kind":"a"', b'"kind":"b","kind":"a"'), *lines[1:]], 1),
        (lambda lines: [lines[0].replace(b":", b": ", 1), *lines[1:]], 1),
        (lambda lines: [lines[0].replace("é".encode(), b"\\ud800"), *lines[1:]], 1),
    ],
    ids=["removed", "first removed", "swapped", "repeated", "empty", "no object", "key twice", "space", "surrogate"],
)
def test_removed_moved_and_foreign_lines_are_named(edit, line: int) -> None:
    broken = read_chain(b"\n".join(edit(log(ENTRIES).splitlines())) + b"\n").broken
    assert broken is not None
    assert broken[0] == line


def test_an_incomplete_last_line_is_no_break() -> None:
    chain = read_chain(log(ENTRIES)[:-9])
    assert (chain.broken, len(chain.entries)) == (None, 4)
    assert chain.rest.startswith(b'{"hash"')

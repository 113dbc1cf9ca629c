"""What people decided about near copies: pairs of images that look the same, but are not copies.

The decisions are kept in `near_decisions.json` in the home folder, by the hashes of the images' bytes: they hold in
every dataset that has these images, wherever it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pandas as pd
from filelock import FileLock
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypedDict

from brainseg import paths
from brainseg.datasets.checks import NEAR_CONFLICT, near_copies_across_labels
from brainseg.datasets.findings import Finding
from brainseg.datasets.near_copies import NearPair, twin_names
from brainseg.datasets.table import Dataset
from brainseg.errors import DataError
from brainseg.files import write_json
from brainseg.users.policy import Act, asks

FILE = "near_decisions.json"
SCHEMA = 1
JUDGED = "judged-different"
"""Kind of the finding that counts these pairs."""
D = TypeVar("D", bound=Dataset)
Hashes = tuple[str, str]
"""The hashes of two images, in ascending order."""


class _Stored(TypedDict):
    schema: int
    different: list[tuple[str, str]]


_CHECK = TypeAdapter(_Stored)


def different_pairs() -> frozenset[Hashes]:
    """Return the pairs that were judged to be different images.

    Raises:
        DataError: The file is damaged, or a newer brainseg wrote it.
    """
    try:
        stored = _CHECK.validate_python(json.loads(_file().read_text("utf-8")))
    except FileNotFoundError:
        return frozenset()
    except (OSError, ValueError, ValidationError) as error:
        raise DataError(f"{_file()} is damaged: move it away, and decide about near copies again.") from error
    if stored["schema"] > SCHEMA:
        raise DataError(
            f"{_file()} was written by a newer brainseg (schema {stored['schema']}): install a newer brainseg."
        )
    return frozenset(map(_ordered, stored["different"]))


@asks(Act.DECIDE_LABELS)
def judge_different(pairs: Iterable[Hashes]) -> None:
    """Keep that the images of each pair, given by their hashes, are no copies of each other."""
    _change(lambda known: known | set(map(_ordered, pairs)))


@asks(Act.DECIDE_LABELS)
def judge_copies(pairs: Iterable[Hashes]) -> None:
    """Take back that the images of each pair, given by their hashes, are no copies of each other."""
    _change(lambda known: known - set(map(_ordered, pairs)))


def with_decisions(dataset: D) -> D:
    """Return a dataset without the near copies that were judged to be different images."""
    known = different_pairs()
    digests = dict(zip(dataset.table["path"], dataset.table["sha256"], strict=True))
    out = [pair for pair in dataset.near_pairs if _hashes(pair, digests) in known]
    if not out:
        return dataset
    kept = [pair for pair in dataset.near_pairs if pair not in out]
    table = dataset.table.assign(twin=twin_names(dataset.table, kept))
    findings = [finding for finding in dataset.findings if finding.kind != NEAR_CONFLICT]
    findings += [*near_copies_across_labels(table, kept), _judged(out)]
    return replace(dataset, table=table, near_pairs=tuple(kept), findings=tuple(findings))


def judged_in(table: pd.DataFrame) -> list[tuple[str, str]]:
    """Return the pairs of a dataset's images, as paths, that were judged to be different.

    Args:
        table: Columns `path` and `sha256`.
    """
    first = dict(zip(reversed(table["sha256"].to_list()), reversed(table["path"].to_list()), strict=True))
    found = [(first[one], first[other]) for one, other in different_pairs() if one in first and other in first]
    return sorted((min(pair), max(pair)) for pair in found)


def pairs_of(path: str, others: Sequence[str], table: pd.DataFrame) -> list[Hashes]:
    """Return the pairs of one image with others, by their hashes.

    Args:
        path: The image.
        others: The other images.
        table: Columns `path` and `sha256`.

    Raises:
        DataError: An image is not in the table, or is byte-identical to the other.
    """
    digests = dict(zip(table["path"], table["sha256"], strict=True))
    for name in (path, *others):
        if name not in digests:
            raise DataError(f"{name} is not an image of this dataset: give its path from the dataset's folder on.")
    if same := next((other for other in others if digests[other] == digests[path]), ""):
        raise DataError(f"{path} and {same} are identical byte for byte, so they are always copies.")
    return [_ordered((digests[path], digests[other])) for other in others]


def _judged(pairs: Sequence[NearPair]) -> Finding:
    count = "1 pair of images that look" if len(pairs) == 1 else f"{len(pairs):,} pairs of images that look"
    were = "was" if len(pairs) == 1 else "were"
    files = dict.fromkeys(path for pair in pairs for path in (pair.first, pair.second))
    return Finding(
        JUDGED,
        f"{count} the same {were} judged to be different images, so a split may divide them: if that is wrong, take "
        "it back under Duplicates.",
        tuple(files),
    )


def _hashes(pair: NearPair, digests: dict[str, str]) -> Hashes:
    return _ordered((digests[pair.first], digests[pair.second]))


def _ordered(pair: Sequence[str]) -> Hashes:
    first, second = sorted(pair)
    return first, second


def _change(edit: Callable[[frozenset[Hashes]], Iterable[Hashes]]) -> None:
    with FileLock(paths.subfolder("datasets") / f".{FILE}.lock"):
        pairs = sorted(edit(different_pairs()))
        write_json(_file(), {"schema": SCHEMA, "different": [list(pair) for pair in pairs]})


def _file() -> Path:
    return paths.place("datasets", FILE)

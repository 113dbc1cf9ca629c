"""Messages about copies, the same on every page and in every command."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from brainseg.datasets.report_fields import NearCopies, NearOverlap

SIDES = {"train": "training", "valid": "validation", "test": "test"}


def near_sentence(near: NearCopies) -> str:
    """Return how many near copies a dataset contains, in words; "" if none.

    Args:
        near: From `near_copies.summary`.
    """
    if not near["pairs"]:
        return ""
    mirrored = f", {near['mirrored']:,} of them mirrored or turned" if near["mirrored"] else ""
    aligned = f", {near['aligned']:,} of them cropped, shifted or edited" if near.get("aligned") else ""
    return (
        f"{_count(near['pairs'], 'pair')} of images that look the same but are not byte-identical{mirrored}{aligned}, "
        f"in {_count(near['groups'], 'group')}; {near['across_labels']:,} of the pairs have different labels"
    )


def near_leaks(near: NearCopies) -> list[str]:
    """Return one sentence for each side of a given split with near copies of images on another side.

    Args:
        near: From `near_copies.summary`.
    """
    return [_leak(leak) for leak in near["leaks"] if leak["of"] != "train" and leak["files"] > leak["identical"]]


def learnt_from(validation: Mapping[str, Any]) -> str:
    """Return the end of a sentence that counts the evaluated images with a copy in the training set; "" if none.

    Args:
        validation: `copies_in_training`, and `near_copies_in_training` if the run counted them.
    """
    copies, near = validation.get("copies_in_training") or 0, validation.get("near_copies_in_training") or 0
    if not copies:
        return ""
    kind = "" if not near else " (near copies)" if near == copies else f" ({near:,} of these near copies)"
    return f"{copies:,} of them {'is a copy' if copies == 1 else 'are copies'} of training images{kind}"


def _leak(leak: NearOverlap) -> str:
    upright, mirrored = leak["upright"] - leak["identical"], leak["files"] - leak["upright"]
    kinds = [
        f"{leak['identical']:,} byte-identical" if leak["identical"] else "",
        f"{upright:,} saved again, scaled or cropped" if upright else "",
        f"{mirrored:,} mirrored or turned" if mirrored else "",
    ]
    percent = f"{100 * leak['files'] / leak['total']:.1f} %"
    if mirrored:
        percent += f"; {100 * leak['upright'] / leak['total']:.1f} % without mirrored copies"
    return (
        f"{leak['files']:,} of {leak['total']:,} {SIDES[leak['of']]} files ({percent}) look like a "
        f"{SIDES[leak['among']]} file: {', '.join(filter(None, kinds))}"
    )


def _count(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"

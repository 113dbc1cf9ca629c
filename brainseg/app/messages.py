"""Messages written for the command line, in the words of the pages: the one place that translates them."""

from __future__ import annotations

import functools
import re

from brainseg.config.form_fields import form_fields
from brainseg.runs import Run

PHRASES = (
    (
        r"give a weights file with --weights FILE \(\.safetensors or \.pth\), or start from random weights with "
        r"--weights none",
        "choose None (random) or a weights file under Weights to start from",
    ),
    (r"give another, or imagenet, none or run:<id>", "give another, or choose other weights to start from"),
    (r"pass --skip-bad to leave them out", "turn on Skip bad under All settings to leave them out"),
    (r"give one with --data PATH", "choose one"),
    (r"choose it with --preset", "choose it under Preset"),
    (r"--set ", ""),
    (r"; `resume` continues it( from its last epoch)?", r"; Resume continues it\1"),
    (r"name another with --port", "name another port"),
    (r"give them to `predict --mask` on the command line", "diagnose one image at a time"),
)
"""Words of a message at a terminal -> the words on a page."""


def on_page(text: object) -> str:
    """Return a message in the words of the pages: names of fields and buttons instead of options and commands."""
    said = str(text)
    for pattern, words in PHRASES:
        said = re.sub(pattern, words, said)
    return re.sub(r"\b[a-z_]+(?:\.[a-z_]+)+\b", lambda found: _labels().get(found[0], found[0]), said)


@functools.cache
def _labels() -> dict[str, str]:
    """Return the label of each setting by its dotted name, such as `training.batch_size`."""
    return {field.name: field.label for field in form_fields() if field.section}


def why(run: Run) -> str:
    """Return in one sentence why a run failed or was stopped."""
    return on_page(" ".join(run.reason.split())) or "No reason recorded. Check the log."

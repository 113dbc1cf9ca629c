"""Translate messages written for the command line into the words of the pages."""

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
    (r"give another file, or imagenet, none or run:<id>", "give another file, or choose other weights to start from"),
    (
        r"run `python -m brainseg doctor --upgrade-store`, which copies it and then upgrades it",
        "the people who run brainseg must upgrade it",
    ),
    (r"pass --skip-bad to leave them out", "turn on Skip bad under All settings to leave them out"),
    (r"give one with --data PATH", "choose one"),
    (r"choose it with --preset", "choose it under Preset"),
    (r"--set ", ""),
    (r"--choose\b", "the choice of settings"),
    (r"; `resume` continues it( from its last epoch)?", r"; Resume continues it\1"),
    (r"name another with --port", "name another port"),
    (r"diagnose it as a volume with `predict --out`", "open it under Volume on Diagnose"),
    (r"give files whose name or header says ([^.]+)", r"add one, or choose \1 as its sequence in the list of series"),
    (r"give --set-range, such as \S+", "choose a range for a setting."),
    (r"resume the search without --set-range, or start a new one", "start a new search"),
    (r"unless you raise a budget \(--trials, --hours or --epochs\)", "unless you raise its budget"),
    (r"--set-range\b:?", "The range"),
    (r"--launcher\b", "The launcher"),
    (r", or add --replace, which moves the earlier home aside", ""),
    (r"name the file, the folder or the sequence to use", "correct their sequences in the list of series"),
)
"""Pattern in a message for the terminal -> its words on a page."""


def on_page(text: object) -> str:
    """Return a message in the words of the pages: names of fields and buttons instead of options and commands."""
    message = str(text)
    for pattern, words in PHRASES:
        message = re.sub(pattern, words, message)
    return re.sub(r"\b[a-z_]+(?:\.[a-z_]+)+\b", lambda found: _labels().get(found[0], found[0]), message)


@functools.cache
def _labels() -> dict[str, str]:
    """Return the label of each setting by its dotted name, such as `training.batch_size`."""
    return {field.name: field.label for field in form_fields() if field.section}


def end_reason(run: Run) -> str:
    """Return one sentence that says why a run failed or was stopped."""
    return on_page(" ".join(run.reason.split())) or "No reason was recorded: check the log."

"""The list of all commands: the module of each, and its line in `brainseg --help`.

The line is the first paragraph of the command's own help, repeated here so that the list needs no import of commands.
"""

from __future__ import annotations

from brainseg.cli.lazy import LazyGroup, ListedCommand

COMMANDS = {
    "doctor": ListedCommand(
        "doctor", "Check versions, processor, weights, disk and run store; exit code 1 if something needs fixing."
    ),
    "demo": ListedCommand(
        "demo",
        "Open the dashboard, train a ResNet34 on synthetic slices while you watch, and diagnose a held-out slice.",
    ),
    "dashboard": ListedCommand("dashboard", "Open the dashboard in the browser. Ctrl-C ends it; trainings continue."),
    "train": ListedCommand("training", "Train a model here and now, and evaluate it."),
    "submit": ListedCommand(
        "training", "Put a training into the queue; a worker, a Ray cluster or a command of yours takes it from there."
    ),
    "resume": ListedCommand(
        "training",
        "Resume a failed or cancelled run from its last epoch; folds and trials always go into the queue.",
    ),
    "lr-find": ListedCommand("training", "Find a learning rate, and draw the curve with its valley."),
    "crossval": ListedCommand(
        "crossval", "Queue a cross-validation: one training per fold and repeat, whose predictions are pooled."
    ),
    "search": ListedCommand(
        "search",
        "Queue a search: trials with different settings, pruned by epoch, then a confirmation of the best one.",
    ),
    "ensemble": ListedCommand(
        "ensemble", "Join finished classifiers into an ensemble, and evaluate their mean answer."
    ),
    "runs": ListedCommand("jobs", "List runs, newest first."),
    "show": ListedCommand("show", "Show one run: settings, progress, epochs, metrics and the hardest cases."),
    "cancel": ListedCommand(
        "jobs", "Stop a waiting or running run within ten seconds; of a cross-validation or a search, all its runs."
    ),
    "worker": ListedCommand("jobs", "Train waiting runs one at a time, until stopped."),
    "rename": ListedCommand("manage", "Give a run another name; its bundle keeps the original one."),
    "note": ListedCommand("manage", "Write a note on a run."),
    "tag": ListedCommand("manage", "Add tags to a run or remove them; without either, list them."),
    "promote": ListedCommand("manage", "Make Diagnose offer a run's model first."),
    "export": ListedCommand(
        "export",
        "Export a run's model for OpenVINO or ONNX Runtime, or write its bundle, plots or predictions into files.",
    ),
    "delete": ListedCommand(
        "manage",
        "Delete an ended run with its model, plots and log; with a cross-validation or a search, all its runs.",
    ),
    "compare": ListedCommand(
        "compare", "Compare finished runs; those evaluated on the same images are tested against each other."
    ),
    "leaks": ListedCommand(
        "leaks",
        "Search a run's evaluated images for copies in its training set, and compute its metric without them.",
    ),
    "labels": ListedCommand("labels", "List the images whose label is likely wrong, most suspicious first."),
    "subsets": ListedCommand(
        "subsets", "Compute a run's accuracy or Dice on subsets of its evaluated images, and the gap to all others."
    ),
    "predict": ListedCommand(
        "predict", "Diagnose images. A file that cannot be read gets an error sentence; the others still get answers."
    ),
    "heatmaps": ListedCommand(
        "heatmaps", "Measure a model's heatmaps on held-out images, and store the result with the run."
    ),
    "calibrate": ListedCommand(
        "calibrate", "Calibrate the probabilities of a finished run on its validation set, by temperature scaling."
    ),
    "robustness": ListedCommand(
        "robustness",
        "Measure how the answers of a finished run change when its held-out images get worse, at five strengths each.",
    ),
    "threshold": ListedCommand(
        "threshold",
        "Choose from which probability on a model predicts its positive class, and which answers are not certain.",
    ),
    "monitor": ListedCommand(
        "monitor",
        "Show what models answered, and whether the newest images still look like those that they were tested on.",
    ),
    "uncertainty": ListedCommand(
        "uncertainty", "Measure on held-out images whether wrong answers are more uncertain than right ones."
    ),
    "backup": ListedCommand(
        "backup", "Write the whole home folder into one file, while trainings and the dashboard go on."
    ),
    "restore": ListedCommand("backup", "Make the home of a backup the home folder, after checking every file in it."),
    "audit": ListedCommand("audit", "Show the audit log: who did what, to what, when, and whether it was allowed."),
    "clean": ListedCommand(
        "clean", "Delete what is older than your rules allow; without a rule, nothing is ever deleted."
    ),
    "data": ListedCommand("data", "Make the phantom set, cut volumes, inspect a dataset, or keep the list."),
    "scan": ListedCommand("scan", "Read scans: DICOM, NIfTI, NRRD, MetaImage and TIFF stacks."),
    "read": ListedCommand("read", "Reader studies: people answer on the Read page before they see a model's answer."),
}
"""Name of each command -> where it is, in the order of the list."""


class Commands(LazyGroup):
    """All commands."""

    listed = COMMANDS

"""The keys of what the pages keep in a visitor's session (`st.session_state`): no page writes one of its own.

A key is either that of a widget, which Streamlit forgets where the widget is not drawn, or that of a value that a page
keeps. Keys of widgets with `bind="query-params"` are parameters of the address too, so that they are short.
"""

from __future__ import annotations

# Every page
DEMO_SESSION = "demo_session"
"""Whether the visitor has started a demo session."""
DEMO_SWITCH = "demo_switch"
"""Home's switch for it, a widget."""
SHOWN_PAGE = "page:turned-to"
"""The title of the page that was drawn last."""

# Diagnose
CLASSIFIER, SEGMENTATION_MODEL = "model", "marker"
"""Widgets: the first classifier and the segmentation model, by the ids of their runs."""
PICKERS = {"classify": CLASSIFIER, "segment": SEGMENTATION_MODEL}
"""Task -> key of the picker of its models."""
ADDRESS_READ = "asked for"
"""The models of the address that were taken over last."""
HEATMAP_CLASS, HEATMAP_METHOD = "explain", "method"
"""Widgets: the class to explain, and the method."""
CLEARED = "cleared"
"""How often the visitor has cleared all uploads."""
SAMPLE = "sample"
"""The sample that is shown: (member, number, sample); missing where uploads are shown."""
SAMPLE_READ = "looked for"
"""The sample of the address that was looked for last."""
CASES = "cases"
"""The images that were read, by the ids of their uploads."""
SHOWN_IMAGE = "shown"
"""Which image the card shows, counted from 0."""
ANSWERS = "answers"
"""The answers of this session."""
GALLERY_SHOW, GALLERY_ORDER = "gallery-show", "gallery-order"
"""Widgets: filter and order of the gallery."""
HEATMAP_OPACITY, MASK_OPACITY = "opacity", "fill"
"""Widgets: opacities in per cent."""

# Train
PRESET = "train:preset"
"""Widget: the preset that the form starts from."""
FORM_VERSION = "train:version"
"""How often the form was reset: the keys of its widgets hold it, so that another version starts afresh."""
FORM_WRITTEN = "train:address"
"""What the page itself has written into the address last."""
DATASET, DATASET_PATH = "train:data", "train:data:path"
"""Widgets: the dataset, and the path of another folder."""
DATASET_WANTED = "train:data:asked"
"""The path of the dataset that the form is to show when it is drawn next."""
DATASET_READ = "train:data:address"
"""The dataset of the address that was taken over or written last."""
RUN_NAME = "train:name"
"""Widget: the name of the next run."""
LAST_SUBMISSION = "train:last-order"
"""What was put into the queue last, and when: (submission, monotonic seconds)."""
QUEUE_SEEN = "train:queue-seen"
"""The ids and states of the runs when the page was drawn last."""

# Runs
SHOWN_RUN = "run-choice"
"""Widget: the run."""
RUN_PANEL = "tab"
"""Widget: the open tab of a run."""
RUN_DONE, RUN_REFUSED = "run-said", "run-refused"
"""What was just done, and sentences on what could not be: shown once the page is drawn again."""
CELL_ACTUAL, CELL_PREDICTED = "actual", "predicted"
"""Widgets: the chosen cell of the confusion matrix."""

# Compare
COMPARED = "compare_runs"
"""Widget: the compared runs, by their ids."""

# Data
SHOWN_DATASET = "data-chosen"
"""Widget: the dataset."""
DATASET_VIEW = "data-view"
"""Widget: the open tab of a dataset."""
DATASET_ADDED = "data-just-added"
"""The dataset to show when the page is drawn next."""
DATASET_DONE = "data-said"
"""What was just done: shown once the page is drawn again."""
SAMPLE_SEED = "data-seed"
"""The seed of the images drawn at random."""


def uploads(cleared: int) -> str:
    """Return the key of Diagnose's uploader: another key is an empty uploader."""
    return f"uploads-{cleared}" if cleared else "uploads"


def ensemble_members(run_id: str) -> str:
    """Return the key of the widget with the models that are asked beside a first one."""
    return f"others than {run_id}"


def heatmap_layer(last: int) -> str:
    """Return the key of the widget with the layer of the heatmap, for models with `last` residual stages.

    With one key, a model with more stages would keep the last one of the model before.
    """
    return f"layer-{last}"


def setting(version: int, name: str) -> str:
    """Return the key of the widget of a run's setting.

    Args:
        version: The value of `FORM_VERSION`.
        name: Dotted name of the setting.
    """
    return f"train:{version}:{name}"


def setting_number(key: str) -> str:
    """Return the key of the number beside the word of a setting with this key."""
    return f"{key}:number"


def weights_chosen(key: str) -> str:
    """Return the key of whether a person has chosen the weights, whose widget has this key."""
    return f"{key}:touched"


def weights_file(key: str) -> str:
    """Return the key of the widget with a weights file, beside the choice of weights with this key."""
    return f"{key}:file"


def weights_run(key: str) -> str:
    """Return the key of the widget with the run to start from, beside the choice of weights with this key."""
    return f"{key}:run"


def heatmap_shown(case: str) -> str:
    """Return the key of the switch of the heatmap of a run's image.

    Args:
        case: Key of the image, unique on the page.
    """
    return f"{case}-cam"

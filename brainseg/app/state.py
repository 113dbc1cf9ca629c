"""The keys of the values that pages keep in a visitor's session (`st.session_state`): pages use no other keys.

A key belongs to a widget, whose value Streamlit drops when the widget is not drawn, or to a value that a page stores.
Keys of widgets with `bind="query-params"` are also parameters of the address, so they are short.
"""

from __future__ import annotations

# Every page
DEMO_SESSION = "demo_session"
"""Whether the visitor has started a demo session."""
DEMO_SWITCH = "demo_switch"
"""Widget: the switch on Home."""
VISIT = "visit"
"""The visit of this session that the audit log has already; see `users.identity.visit_of`."""
SHOWN_PAGE = "page:turned-to"
"""The title of the page drawn last."""

# Diagnose
CLASSIFIER, SEGMENTATION_MODEL = "model", "marker"
"""Widgets: the first classifier and the segmentation model, by the ids of their runs."""
PICKERS = {"classify": CLASSIFIER, "segment": SEGMENTATION_MODEL}
"""Task -> key of the picker of its models."""
ADDRESS_READ = "asked for"
"""The models last taken from the address."""
HEATMAP_CLASS, HEATMAP_METHOD = "explain", "method"
"""Widgets: the class to explain, and the method."""
CLEARED = "cleared"
"""How often the visitor has cleared all uploads."""
SAMPLE = "sample"
"""The shown sample: (run, number, sample); missing while uploads are shown."""
SAMPLE_READ = "looked for"
"""The sample of the address that was last looked for."""
CASES = "cases"
"""The images read so far, by the ids of their uploads."""
SHOWN_IMAGE = "shown"
"""The index of the image that the card shows."""
ANSWERS = "answers"
"""The answers of this session."""
STABILITY = "stability"
"""Widget: whether to measure how stable the answers are."""
GALLERY_SHOW, GALLERY_ORDER = "gallery-show", "gallery-order"
"""Widgets: filter and order of the gallery."""
HEATMAP_OPACITY, MASK_OPACITY = "opacity", "fill"
"""Widgets: opacities in per cent."""

# Diagnose, volumes
DIAGNOSED = "view"
"""Widget: whether images or a volume are diagnosed."""
VOLUMES_CLEARED = "volumes:cleared"
"""How often the visitor has cleared all volumes."""
SYNTHETIC_STUDY = "volumes:synthetic"
"""Whether the visitor tries the synthetic study."""
VOLUMES_READ = "volumes:read"
"""What was read so far, by the ids of the uploads it was read from."""
SHOWN_SERIES = "volumes:shown"
"""The id of the series that the viewer shows."""
SEQUENCES = "volumes:sequences"
"""The sequences that the visitor has corrected, by the ids of the series."""
VOLUMES_DERIVED = "volumes:derived"
"""What was computed from volumes and masks, by its kind and then by what it is of."""
VOLUME_PLANE = "volumes:plane"
"""Widget: the plane of the slices that are marked."""
VOLUME_ANSWERS = "volumes:answers"
"""The answers about volumes of this session."""
VOLUME_WORK = "volumes:work"
"""What is being computed about a volume: (key of the answer, work)."""
VOLUME_FAILED = "volumes:failed"
"""Why the last work failed or ended, until the next one starts."""
VIEWER = "volumes:viewer"
"""Widget: the viewer."""
VIEWER_JUMP = "volumes:jump"
"""Where the viewer is to look: (number of the jump, voxel)."""
MEASURED = "volumes:measured"
"""Widget: which mask is measured, the model's or the corrected one."""
SURFACES_OPEN = "volumes:surfaces"
"""Widget: the section with the surfaces."""
LESIONS, AREA_CURVE, CLASS_CURVE = "volumes:lesions", "volumes:areas", "volumes:classes"
"""Widgets: the table of lesions and the curves along the volume, for what is chosen in them."""

# Train
PRESET = "train:preset"
"""Widget: the preset that the form starts from."""
FORM_VERSION = "train:version"
"""How often the form was reset. The keys of its widgets contain it: each reset makes new widgets."""
FORM_WRITTEN = "train:address"
"""What the page last wrote into the address."""
DATASET, DATASET_PATH = "train:data", "train:data:path"
"""Widgets: the dataset, and the path of another folder."""
DATASET_WANTED = "train:data:asked"
"""The path of the dataset that the form must show when it is next drawn."""
DATASET_READ = "train:data:address"
"""The dataset last read from or written into the address."""
RUN_NAME = "train:name"
"""Widget: the name of the next run."""
CROSSVAL, FOLDS, REPEATS = "train:crossval", "train:folds", "train:repeats"
"""Widgets: whether to cross-validate, and with how many folds and repeats."""
SEARCH, SEARCHED, TRIALS, HOURS = "train:search", "train:searched", "train:trials", "train:hours"
"""Widgets: whether to search, which settings, and the budget."""
METHOD, CONFIRM = "train:method", "train:confirm"
"""Widgets: the method of a search, and how its winner is confirmed."""
LAST_SUBMISSION = "train:last-order"
"""What was last put into the queue, and when: (submission, monotonic seconds)."""
QUEUE_SEEN = "train:queue-seen"
"""The ids and states of the runs when the page was last drawn."""

# Runs
SHOWN_RUN = "run-choice"
"""Widget: the run."""
RUN_PANEL = "tab"
"""Widget: the open tab of a run."""
RUN_DONE, RUN_REFUSED = "run-said", "run-refused"
"""What was just done, and a message for each failure: shown when the page is next drawn."""
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
"""The dataset to show when the page is next drawn."""
DATASET_DONE = "data-said"
"""What was just done: shown when the page is next drawn."""
DATASET_NOTES = "data-notes"
"""Sentences about how volumes were cut: shown once, when the page is next drawn."""
SAMPLE_SEED = "data-seed"
"""The seed of the images drawn at random."""

# About
ABOUT_TAB = "about-tab"
"""Widget: the open tab."""

# Read
READ_VIEW = "reading-view"
"""Widget: reading or results of a study."""
READERS = "reading:readers"
"""Study -> the pseudonym under which this visitor reads it."""
SITTING = "reading:sitting"
"""A random text: what is logged with the same text was shown in one visit."""
READ_ANSWER = "reading:model"
"""The model's answer to the case whose own answer is locked: (case, answer)."""
READ_TRUTH = "reading:truth"
"""The case whose truth is shown until the reader goes on: (study, case)."""


def uploads(cleared: int) -> str:
    """Return the key of Diagnose's uploader; a new key gives an empty uploader."""
    return f"uploads-{cleared}" if cleared else "uploads"


def volume_uploads(cleared: int) -> str:
    """Return the key of the uploader of volumes; a new key gives an empty uploader."""
    return f"volumes-{cleared}"


def volume_folder(cleared: int) -> str:
    """Return the key of the uploader of a folder of volumes."""
    return f"volumes-folder-{cleared}"


def series_sequence(series: str) -> str:
    """Return the key of the choice of a series' sequence."""
    return f"volumes:sequence:{series}"


def ensemble_members(run_id: str) -> str:
    """Return the key of the widget with the other members of an ensemble."""
    return f"others than {run_id}"


def heatmap_layer(last: int) -> str:
    """Return the key of the widget with the layer of the heatmap, for models with `last` residual stages.

    With a single key, a model with more stages would keep the last stage of the previous model.
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
    """Return the key of the number field that belongs to the setting with this key."""
    return f"{key}:number"


def weights_chosen(key: str) -> str:
    """Return the key that stores whether the visitor has used the weights widget with this key."""
    return f"{key}:touched"


def weights_file(key: str) -> str:
    """Return the key of the field for a weights file that belongs to the weights widget with this key."""
    return f"{key}:file"


def weights_run(key: str) -> str:
    """Return the key of the choice of a run that belongs to the weights widget with this key."""
    return f"{key}:run"


def robustness_measure(metric: str) -> str:
    """Return the key of the choice of what the curves of a robustness check show; `metric` is that of the report."""
    return f"robustness-{metric}"


def heatmap_shown(case: str) -> str:
    """Return the key of the heatmap switch of an image of a run.

    Args:
        case: Key of the image, unique on the page.
    """
    return f"{case}-cam"


def reading_widget(study: str, reader: str, case: str, part: str) -> str:
    """Return the key of a widget of one case of a reader study.

    Args:
        study: Id of the study.
        reader: The pseudonym.
        case: Hash of the case.
        part: What the widget is for.
    """
    return f"reading:{study[:8]}:{reader}:{case[:16]}:{part}"


def search_range(name: str) -> str:
    """Return the key of the widget with the range of a searched setting."""
    return f"train:range:{name}"

"""Random tables of predictions, including difficult ones."""

import numpy as np
import pandas as pd

NAMES = ["glioma", "meningioma", "no tumour", "pituitary", "metastasis"]
KINDS = (
    "plain",
    "ties",
    "constant",
    "absent",
    "one class",
    "perfect",
    "all wrong",
    "never predicted",
    "given prediction",
)


def random_table(rng, size, rows, kind="plain"):
    """Return (table, classes) with `size` classes; `kind` is the kind of difficulty."""
    classes = NAMES[:size]
    scores = rng.dirichlet(np.ones(size), rows)
    if kind == "ties":
        scores = np.round(scores, 1)
    if kind == "constant":
        scores = np.full((rows, size), 1 / size)
    actual = rng.integers(0, size, rows)
    if kind == "absent":
        actual = rng.integers(0, max(1, size - 1), rows)
    if kind == "one class":
        actual[:] = rng.integers(0, size)
    predicted = scores.argmax(axis=1)
    if kind == "perfect":
        scores = np.eye(size)[actual] * 0.9 + 0.1 / size
        predicted = actual
    if kind == "all wrong":
        predicted = (actual + rng.integers(1, size, rows)) % size
    if kind == "never predicted":
        predicted = np.where(predicted == 0, 1, predicted)
    if kind == "given prediction":  # as with another operating threshold: no longer the most probable class
        predicted = rng.integers(0, size, rows)
    return as_table(actual, predicted, scores, classes), classes


def as_table(actual, predicted, scores, classes):
    rows = len(actual)
    names = np.array(classes, dtype=object)
    table = pd.DataFrame(
        {
            "path": [f"scan_{row:04d}.png" for row in range(rows)],
            "group": [f"patient_{row // 3}" for row in range(rows)],
            "label": names[actual],
            "loss": -np.log(np.clip(scores[np.arange(rows), actual], 1e-12, 1)),
            "prediction": names[predicted],
        }
    )
    for code, name in enumerate(classes):
        table[f"p_{name}"] = scores[:, code]
    return table

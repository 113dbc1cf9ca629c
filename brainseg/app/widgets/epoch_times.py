"""The last epoch of a running training, in words.

Here a damaged file counts as missing: the panel that shows the file reports the damage.
"""

from __future__ import annotations

from brainseg.app import live_store
from brainseg.evaluation.intervals import wilson
from brainseg.results import stored_results
from brainseg.results.run_files import readable
from brainseg.runs import Run


def epoch_seconds(run: Run) -> list[float]:
    """Return the times in seconds of the epochs in which the whole network learnt, oldest first.

    Frozen epochs may take a fraction of a second, which says nothing about the later ones.
    """
    table = readable([], stored_results.epochs, live_store.store(), run)
    if table is None:
        return []
    learning = table["phase"] == "unfrozen" if run.config.training.epochs else slice(None)
    return [float(seconds) for seconds in table.loc[learning, "seconds"]]


def epoch_words(run: Run) -> str:
    """Return the metrics of the last finished epoch in words; "" before the first."""
    table = readable([], stored_results.epochs, live_store.store(), run)
    if table is None or table.empty:
        return ""
    last = table.iloc[-1]
    losses = f"training loss {last['train_loss']:.3f}, validation loss {last['valid_loss']:.3f}"
    score = f"Dice {last['dice']:.3f}" if "dice" in last else _accuracy(run, float(last["accuracy"]))
    return f"Epoch {last['epoch']:.0f}: {losses}, {score}."


def _accuracy(run: Run, accuracy: float) -> str:
    """Write the accuracy with its interval, since it also varies by chance from epoch to epoch."""
    split = readable([], stored_results.split, live_store.store(), run)
    count = 0 if split is None else int((split["split"] == "valid").sum())
    if not count:
        return f"accuracy {100 * accuracy:.0f} %"
    low, high = wilson(round(accuracy * count), count)
    return (
        f"correct on {round(accuracy * count)} of {count} validation images "
        f"({100 * accuracy:.0f} %, 95 % interval {100 * low:.0f} to {100 * high:.0f} %)"
    )
